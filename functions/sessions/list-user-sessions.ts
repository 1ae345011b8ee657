import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { PageOfSessions, SessionPage, toSession } from './model.ts';
import { sessions } from './records.ts';

/** A user's sessions, newest first, for an administrator. */
export const listUserSessions = operation({
  name: 'sessions.list-user-sessions',
  summary: "Lists a user's sessions",
  http: { method: 'GET', path: '/api/v1/users/{user_id}/sessions' },
  access: 'sessions:admin',
  input: PageOfSessions.extend({ user_id: z.string().max(128) }),
  output: SessionPage,
  reads: [sessions],
  queries: ['sessions.by_user'],
  run: async ({ store }, { user_id, cursor, limit }) => {
    const page = await store.query(sessions, 'by_user', user_id, { cursor, limit, order: 'desc' });
    return { sessions: page.items.map((session) => toSession(session, '')), next_cursor: page.next_cursor };
  },
});
