import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { checkPassword } from '../users/check-password.ts';
import { findAccount } from '../users/find-account.ts';
import { clearAttempts, countAttempt, countFailure } from './attempts.ts';
import { accountLocked, userLogin } from './events.ts';
import { digest } from './model.ts';
import { loginAttempts } from './records.ts';

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
    const attempt = await countAttempt(store, settings, clock.now(), key);

    // a throttled try is compared with nobody's password: the same work, and no answer that could be told by its time
    const { matches, account } = await checkPassword({ user_id: attempt.throttled ? undefined : user_id, password });
    if (account && user_id && matches && account.status === 'active') {
      await clearAttempts(store, key);
      metrics.count('perfect21_auth_events_total', { event_type: 'login', result: 'success' });
      const { email, generation, mfa_enabled } = account;
      return { account: { user_id, email, generation, mfa_enabled } };
    }

    if (!attempt.throttled) await countFailure(store, clock.now(), key);
    const failure_reason = attempt.throttled
      ? 'throttled'
      : !account
        ? 'unknown_identifier'
        : !matches
          ? 'wrong_password'
          : `account_${account.status}`;
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
        failed_attempts: attempt.tries,
        locked_until: new Date(attempt.until).toISOString(),
        ip_address,
        user_agent,
      },
      { user_id },
    );
    const justLocked = user_id !== undefined && attempt.justThrottled;
    await store.transact([], justLocked ? [failed, locked] : [failed]);
    metrics.count('perfect21_auth_events_total', { event_type: 'login', result: 'failure' });
    return {};
  },
});
