import * as z from 'zod';
import { operation } from '../../shared/operation.ts';
import { endSession } from './end-session.ts';
import { sessions } from './records.ts';

/** Ends all of the caller's sessions but the one that asks. */
export const endOtherSessions = operation({
  name: 'sessions.end-other-sessions',
  summary: "Ends all of the caller's other sessions",
  http: { method: 'DELETE', path: '/api/v1/sessions', status: 204 },
  access: 'user',
  input: z.strictObject({}),
  output: z.object({}),
  errors: ['conflict'],
  reads: [sessions],
  calls: { endSession },
  run: async ({ store, endSession }, _, { caller }) => {
    if (caller.kind !== 'user') return {};
    const { user_id, session_id: current } = caller;
    let cursor: string | undefined;
    do {
      const page = await store.query(sessions, 'by_user', user_id, { limit: 100, cursor });
      for (const { id } of page.items) {
        if (id !== current) await endSession({ session_id: id, user_id, reason: 'ended_by_user' });
      }
      cursor = page.next_cursor;
    } while (cursor);
    return {};
  },
});
