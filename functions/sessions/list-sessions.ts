import { operation } from '../../shared/kit/operation.ts';
import { listConnected } from '../notifications/list-connected.ts';
import { connectedBy, PageOfSessions, SessionPage, toSession } from './model.ts';
import { sessions } from './records.ts';

/** The caller's sessions, newest first: device, address and last use of each. */
export const listSessions = operation({
  name: 'sessions.list-sessions',
  summary: "Lists the caller's sessions",
  http: { method: 'GET', path: '/api/v1/sessions' },
  access: 'user',
  input: PageOfSessions,
  output: SessionPage,
  reads: [sessions],
  queries: ['sessions.by_user'],
  calls: { listConnected },
  run: async ({ store, listConnected: ask }, { cursor, limit }, { caller }) => {
    if (caller.kind !== 'user') return { sessions: [] };
    const asked = connectedBy(ask({ user_id: caller.user_id }));
    const page = await store.query(sessions, 'by_user', caller.user_id, { cursor, limit, order: 'desc' });
    const connected = await asked;
    return {
      sessions: page.items
        .filter(({ value }) => value.generation >= caller.generation)
        .map((session) => toSession(session, caller.session_id, connected)),
      next_cursor: page.next_cursor,
    };
  },
});
