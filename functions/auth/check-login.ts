import * as z from 'zod';
import { operation } from '../../shared/operation.ts';
import { checkPassword } from '../users/check-password.ts';
import { findAccount } from '../users/find-account.ts';
import { accountLocked, userLogin } from './events.ts';
import { digest } from './model.ts';
import { loginAttempts } from './records.ts';

/** A day's bound on failed logins of one account (SP 800-63B-4 §3.2.2: at most 100 in a row). */
const MAX_PER_DAY = 100;

/**
 * Checks an identifier and a password: the one place where that is done.
 *
 * The try is counted before the password is compared, so that parallel guesses can't outrun the bound. Unknown, wrong,
 * throttled, unverified and disabled all do the same work and give the same answer; only the event says which it was.
 */
export const checkLogin = operation({
  name: 'auth.check-login',
  summary: 'Checks an identifier and a password',
  access: 'service',
  input: z.strictObject({
    identifier: z.string(),
    password: z.string(),
    ip_address: z.string(),
    user_agent: z.string(),
  }),
  output: z.object({
    account: z
      .object({ user_id: z.string(), email: z.string(), generation: z.int(), mfa_enabled: z.boolean() })
      .optional()
      .meta({ description: 'Left out when the login fails' }),
  }),
  emits: [userLogin, accountLocked],
  reads: [loginAttempts],
  writes: [loginAttempts],
  needs: ['clock', 'settings', 'metrics'],
  calls: { findAccount, checkPassword },
  run: async ({ store, clock, settings, metrics, findAccount, checkPassword }, input) => {
    const { identifier, password, ip_address, user_agent } = input;
    const { user_id } = await findAccount({ identifier });
    const key = user_id ?? digest(identifier);
    const window_ends = clock.now() + settings.login_window * 1000;
    const tries = await store.increment(loginAttempts, `window:${key}`, { expires_at: window_ends });
    const failedToday = (await store.get(loginAttempts, `day:${key}`))?.value.count ?? 0;

    const { matches, account } = await checkPassword({ user_id, password });
    const throttled = tries > settings.login_attempts || failedToday >= MAX_PER_DAY;
    if (account && user_id && matches && !throttled && account.status === 'active') {
      await store.increment(loginAttempts, `window:${key}`, { by: -tries, expires_at: window_ends });
      if (failedToday > 0) {
        await store.increment(loginAttempts, `day:${key}`, { by: -failedToday, expires_at: window_ends });
      }
      metrics.count('perfect21_auth_events_total', { event_type: 'login', result: 'success' });
      return {
        account: { user_id, email: account.email, generation: account.generation, mfa_enabled: account.mfa_enabled },
      };
    }

    const failure_reason = throttled
      ? 'throttled'
      : !account
        ? 'unknown_identifier'
        : !matches
          ? 'wrong_password'
          : `account_${account.status}`;
    if (!matches) await store.increment(loginAttempts, `day:${key}`, { expires_at: clock.now() + 86_400_000 });
    const failed = userLogin.with(
      {
        user_id: user_id ?? '',
        email: account?.email ?? '',
        login_successful: false,
        ip_address,
        user_agent,
        mfa_used: false,
        failure_reason,
      },
      { user_id },
    );
    const locked = accountLocked.with(
      {
        user_id: user_id ?? '',
        reason: 'too_many_failed_logins',
        failed_attempts: tries,
        locked_until: new Date(window_ends).toISOString(),
        ip_address,
        user_agent,
      },
      { user_id },
    );
    const justLocked = user_id !== undefined && tries === settings.login_attempts + 1;
    await store.transact([], justLocked ? [failed, locked] : [failed]);
    metrics.count('perfect21_auth_events_total', { event_type: 'login', result: 'failure' });
    return {};
  },
});
