import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { raiseGeneration } from '../users/raise-generation.ts';
import { endUserSessions } from './end-user-sessions.ts';

/** Ends all of the caller's sessions but the one that asks, also those that a list would not show yet. */
export const endOtherSessions = operation({
  name: 'sessions.end-other-sessions',
  summary: "Ends all of the caller's other sessions",
  http: { method: 'DELETE', path: '/api/v1/sessions', status: 204 },
  access: 'user',
  input: z.strictObject({}),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  needs: ['log'],
  calls: { raiseGeneration, endUserSessions },
  run: async ({ log, raiseGeneration, endUserSessions }, _, { caller }) => {
    if (caller.kind !== 'user') throw new AppError('unauthenticated');
    const { user_id, session_id } = caller;
    const { generation } = await raiseGeneration({ user_id, spared_session_id: session_id });
    const sessions = { user_id, generation, except_session_id: session_id, reason: 'ended_by_user' as const };
    await promptly(log, 'end the sessions', endUserSessions(sessions));
    return {};
  },
});
