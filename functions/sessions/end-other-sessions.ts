import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { raiseGeneration } from '../users/raise-generation.ts';
import { spared } from './causes.ts';
import { endUserSessions } from './end-user-sessions.ts';

const CAUSE = 'others_ended_by_user' as const;

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
    const { user_id } = caller;
    const except_session_id = spared(CAUSE, caller.session_id);
    const { generation } = await raiseGeneration({ user_id, spared_session_id: except_session_id, cause: CAUSE });
    const sessions = { user_id, generation, except_session_id, cause: CAUSE } as const;
    await promptly(log, 'end the sessions', endUserSessions(sessions));
    return {};
  },
});
