import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { endSession } from './end-session.ts';

/** Ends one of the caller's sessions. Somebody else's is as unknown as none. */
export const endMySession = operation({
  name: 'sessions.end-my-session',
  summary: "Ends one of the caller's sessions",
  http: { method: 'DELETE', path: '/api/v1/sessions/{id}', status: 204 },
  access: 'user',
  input: z.strictObject({ id: z.string().max(128) }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  calls: { endSession },
  run: async ({ endSession }, { id }, { caller }) => {
    const user_id = caller.kind === 'user' ? caller.user_id : '';
    const { ended } = await endSession({ session_id: id, user_id, cause: 'ended_by_user' });
    if (!ended) throw new AppError('not_found', { detail: 'You have no session with this id' });
    return {};
  },
});
