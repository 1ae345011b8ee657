import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { checkPassword } from '../users/check-password.ts';
import { findAccount } from '../users/find-account.ts';
import { ATTEMPT_PORTS, clearAttempts, countAttempt, countFailure, isNews } from './attempts.ts';
import { mintDevice, readDevice } from './device-token.ts';
import { accountLocked, userLogin } from './events.ts';
import { mintMfaToken } from './mfa-token.ts';
import { CodeWanted, DeviceInfo } from './model.ts';
import { factors, loginAttempts } from './records.ts';

/**
 * Checks an identifier and a password: the one place where that is done.
 *
 * The try is counted before the password is compared, so that parallel guesses can't outrun the bound. Unknown, wrong,
 * throttled, unverified and disabled all do the same work and give the same answer; only the event says which it was.
 * The account is answered only when nothing is missing any more: one with a second factor needs the second step.
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
    device: z.string().optional().meta({ description: 'The token that an earlier login gave' }),
    device_info: DeviceInfo,
  }),
  output: z.object({
    account: z
      .object({
        user_id: z.string(),
        email: z.string(),
        generation: z.int(),
        known: z.boolean().meta({ description: 'The device logged in before' }),
        failures: z.int().meta({ description: 'Failed tries before this one' }),
      })
      .optional()
      .meta({ description: 'Left out when the login fails, and when a code is missing' }),
    device: z.string().optional().meta({ description: 'The token by which this device is known from now on' }),
    wanted: CodeWanted.optional().meta({ description: 'What is missing, of an account with a second factor' }),
  }),
  emits: [userLogin, accountLocked],
  reads: [loginAttempts, factors],
  writes: [loginAttempts],
  needs: [...ATTEMPT_PORTS, 'ids', 'metrics', 'sealer'],
  calls: { findAccount, checkPassword },
  run: async ({ ids, metrics, sealer, findAccount, checkPassword, ...given }, input) => {
    const { store, clock, secrets } = given;
    const { identifier, password, ip_address, user_agent, device_info } = input;
    const { user_id } = await findAccount({ identifier });
    const known = user_id && readDevice(secrets, input.device, user_id, clock.now());
    const guesser = { account: user_id ?? identifier, known, ip_address };
    const attempt = await countAttempt(given, guesser);

    // a throttled try is compared with nobody's password: the same work, and no answer that could be told by its time
    const { matches, account } = await checkPassword({ user_id: attempt.throttled ? undefined : user_id, password });
    if (account && user_id && matches && account.status === 'active') {
      const factor = await store.get(factors, user_id);
      await clearAttempts(given, guesser);
      const { email, generation } = account;
      const { failures } = attempt;
      if (factor?.value.confirmed_at !== undefined) {
        const login = { user_id, email, generation, known, failures, device_info, user_agent };
        const mfa_token = mintMfaToken(sealer, ids, login, clock.now());
        const methods = ['totp' as const, ...(factor.value.recovery.length ? ['recovery_code' as const] : [])];
        return { wanted: { mfa_required: true as const, mfa_token, methods } };
      }
      metrics.count('perfect21_auth_events_total', { event_type: 'login', result: 'success' });
      const device = mintDevice(secrets, ids, user_id, clock.now(), known);
      return { account: { user_id, email, generation, known: known !== undefined, failures }, device };
    }

    if (!attempt.throttled) await countFailure(given, guesser);
    // told when the last try of a window failed, not only when somebody goes on: the owner may be who is kept out
    const isFull = attempt.last && !attempt.throttled && (await isNews(given, guesser));
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
    await store.transact([], isFull && user_id !== undefined ? [failed, locked] : [failed]);
    metrics.count('perfect21_auth_events_total', { event_type: 'login', result: 'failure' });
    return {};
  },
});
