import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { Password } from '../users/model.ts';
import { resetPassword as resetAccountPassword } from '../users/reset-password.ts';
import { ATTEMPT_PORTS, clearAttempts } from './attempts.ts';
import { mintDevice } from './device-token.ts';
import { clientOf } from './model.ts';
import { factors, loginAttempts } from './records.ts';

/** Sets a new password with the token from the mail; every session of the account ends. */
export const resetPassword = operation({
  name: 'auth.reset-password',
  summary: 'Sets a new password with the token from the mail',
  http: { method: 'POST', path: '/api/v1/auth/password/reset', status: 204 },
  access: 'public',
  bounds: { address: 60 },
  input: z.strictObject({ token: z.string().max(256), new_password: Password }),
  output: z.object({}),
  reads: [loginAttempts, factors],
  writes: [loginAttempts],
  errors: ['invalid_token', 'password_refused', 'conflict'],
  needs: [...ATTEMPT_PORTS, 'ids', 'log', 'metrics'],
  calls: { resetAccountPassword, endUserSessions },
  run: async ({ ids, log, metrics, resetAccountPassword, endUserSessions, ...given }, input, context) => {
    const { ip_address, user_agent } = clientOf(context);
    const { user_id, generation } = await resetAccountPassword({ ...input, ip_address, user_agent });
    // who reads the account's mail is no longer kept out by what a stranger guessed
    await promptly(log, 'forget the tries', clearAttempts(given, { account: user_id, ip_address }));
    // who reads the mail and lacks the second factor gets no count of his own to guess its codes with
    const isProtected = await given.store.get(factors, user_id).then(
      (factor) => factor?.value.confirmed_at !== undefined,
      () => true,
    );
    if (context.gives && !isProtected) {
      context.gives.device = mintDevice(given.secrets, ids, user_id, given.clock.now());
    }
    await promptly(log, 'end the sessions', endUserSessions({ user_id, generation, cause: 'password_reset' }));
    metrics.count('perfect21_auth_events_total', { event_type: 'password_reset', result: 'success' });
    return {};
  },
});
