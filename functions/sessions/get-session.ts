import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { sessions } from './records.ts';

/** When a session began: how long ago its user has proven who it is. */
export const getSession = operation({
  name: 'sessions.get-session',
  summary: 'Says when a session of a user began',
  access: 'service',
  input: z.strictObject({ session_id: z.string(), user_id: z.string() }),
  output: z.object({ created_at: z.int().optional().meta({ description: 'Unix seconds; left out for none' }) }),
  reads: [sessions],
  run: async ({ store }, { session_id, user_id }) => {
    const session = await store.get(sessions, session_id);
    return { created_at: session?.value.user_id === user_id ? session.value.created_at : undefined };
  },
});
