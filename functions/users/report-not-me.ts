import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove, update } from '../../shared/ports/store.ts';
import { clientOf } from '../auth/model.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { passwordResetRequested, userSessionsEnded } from './events.ts';
import { tokenId } from './one-time-token.ts';
import { credentials, oneTimeTokens, users } from './records.ts';

/**
 * "This was not me": whoever did it knows the password. So every session ends, this one included, the password and the
 * passkeys are void, and a mail asks for a new one.
 */
export const reportNotMe = operation({
  name: 'users.report-not-me',
  summary: 'Ends every session of the caller and asks for a new password',
  http: { method: 'POST', path: '/api/v1/users/me/not-me', status: 202 },
  access: 'user',
  bounds: { address: 30 },
  input: z.strictObject({}),
  output: z.object({ status: z.literal('new_password_needed') }),
  errors: ['not_found', 'conflict'],
  emits: [userSessionsEnded, passwordResetRequested],
  reads: [users, credentials, oneTimeTokens],
  writes: [users, credentials, oneTimeTokens],
  needs: ['clock', 'log'],
  calls: { endUserSessions },
  run: async ({ store, clock, log, endUserSessions }, _, context) => {
    const { caller } = context;
    if (caller.kind !== 'user') throw new AppError('not_found');
    const { user_id } = caller;
    const { ip_address, user_agent } = clientOf(context);
    const generation = await retryConflict(async () => {
      const [user, secret, reset] = await Promise.all([
        store.get(users, user_id),
        store.get(credentials, user_id),
        store.get(oneTimeTokens, tokenId('reset-password', user_id)),
      ]);
      if (!user) throw new AppError('not_found');
      const next = user.value.generation + 1;
      const { email } = user.value;
      await store.transact(
        [
          update(users, user, {
            ...user.value,
            ...{ generation: next, recovered_at: clock.now(), spared_session_id: undefined },
          }),
          ...(secret ? [remove(credentials, secret)] : []),
          ...(reset ? [remove(oneTimeTokens, reset)] : []),
        ],
        [
          userSessionsEnded.with({ user_id, generation: next, cause: 'not_me' }, { user_id }),
          passwordResetRequested.with({ email, ip_address, user_agent }, { user_id }),
        ],
      );
      return next;
    });
    const ended = { user_id, generation, cause: 'not_me' as const };
    await promptly(log, 'end the sessions', endUserSessions(ended));
    return { status: 'new_password_needed' as const };
  },
});
