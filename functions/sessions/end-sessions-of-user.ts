import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { raiseGeneration } from '../users/raise-generation.ts';
import { endUserSessions } from './end-user-sessions.ts';

/** Ends every session of a user, for an administrator. The user may log in again. */
export const endSessionsOfUser = operation({
  name: 'sessions.end-sessions-of-user',
  summary: 'Ends every session of a user',
  http: { method: 'DELETE', path: '/api/v1/users/{user_id}/sessions', status: 204 },
  access: 'sessions:admin',
  input: z.strictObject({ user_id: z.string().max(128) }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  needs: ['log'],
  calls: { raiseGeneration, endUserSessions },
  run: async ({ log, raiseGeneration, endUserSessions }, { user_id }) => {
    const { generation } = await raiseGeneration({ user_id });
    await promptly(log, 'end the sessions', endUserSessions({ user_id, generation, cause: 'administrator' }));
    return {};
  },
});
