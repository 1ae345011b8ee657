import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { listConnected } from '../notifications/list-connected.ts';
import { connectedBy, PageOfSessions, SessionPage, toSession } from './model.ts';
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
  calls: { listConnected },
  run: async ({ store, listConnected: ask }, { user_id, cursor, limit }) => {
    const asked = connectedBy(ask({ user_id: user_id }));
    const page = await store.query(sessions, 'by_user', user_id, { cursor, limit, order: 'desc' });
    const connected = await asked;
    return { sessions: page.items.map((session) => toSession(session, '', connected)), next_cursor: page.next_cursor };
  },
});
