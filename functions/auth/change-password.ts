import * as z from 'zod';
import { AppError, toAppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { spared } from '../sessions/causes.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { changePassword as changeAccountPassword } from '../users/change-password.ts';
import { Password } from '../users/model.ts';
import { ATTEMPT_PORTS, clearAttempts, countAttempt, countFailure } from './attempts.ts';
import { clientOf } from './model.ts';
import { loginAttempts } from './records.ts';

/** Changes the caller's password; every other session ends, and the owner is told by mail. */
export const changePassword = operation({
  name: 'auth.change-password',
  summary: "Changes the caller's password",
  http: { method: 'POST', path: '/api/v1/auth/password/change', status: 204 },
  access: 'user',
  bounds: { address: 60 },
  input: z.strictObject({ current_password: Password, new_password: Password }),
  output: z.object({}),
  errors: ['invalid_credentials', 'password_refused', 'not_found', 'conflict', 'too_many_requests'],
  reads: [loginAttempts],
  writes: [loginAttempts],
  needs: [...ATTEMPT_PORTS, 'log', 'metrics'],
  calls: { changeAccountPassword, endUserSessions },
  run: async ({ log, metrics, changeAccountPassword, endUserSessions, ...given }, input, context) => {
    if (context.caller.kind !== 'user') throw new AppError('unauthenticated');
    const { user_id, session_id } = context.caller;
    const except_session_id = spared('password_changed', session_id);
    const { ip_address, user_agent } = clientOf(context);
    // whoever holds a stolen access token may not guess the password here instead
    const guesser = { account: user_id, known: session_id, ip_address };
    const attempt = await countAttempt(given, guesser);
    if (attempt.throttled) {
      throw new AppError('too_many_requests', { retry_after: (attempt.until - given.clock.now()) / 1000 });
    }
    const origin = { except_session_id, ip_address, user_agent };
    const { generation } = await changeAccountPassword({ user_id, ...input, ...origin }).catch(async (thrown) => {
      if (toAppError(thrown).code === 'invalid_credentials') await countFailure(given, guesser);
      throw thrown;
    });
    await promptly(log, 'forget the tries', clearAttempts(given, guesser));
    const sessions = { user_id, generation, except_session_id, cause: 'password_changed' as const };
    await promptly(log, 'end the sessions', endUserSessions(sessions));
    metrics.count('perfect21_auth_events_total', { event_type: 'password_change', result: 'success' });
    return {};
  },
});
