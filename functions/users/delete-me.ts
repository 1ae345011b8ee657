import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { getSession } from '../sessions/get-session.ts';
import { recentLogin } from '../sessions/recent-login.ts';
import { MOVE_EVENTS, MOVES, moveStatus } from './move-status.ts';

/** Deletes the caller's account for good, when he logged in lately (ASVS 7.5.1): its data goes from every collection, address and name become free. */
export const deleteMe = operation({
  name: 'users.delete-me',
  summary: "Deletes the caller's account",
  http: { method: 'DELETE', path: '/api/v1/users/me', status: 204 },
  access: 'user',
  input: z.strictObject({}),
  output: z.object({}),
  errors: ['not_found', 'conflict', 'last_administrator'],
  emits: MOVE_EVENTS,
  reads: MOVES,
  writes: MOVES,
  needs: ['clock', 'log'],
  calls: { endUserSessions, getSession },
  run: async ({ store, clock, log, endUserSessions, getSession }, _, context) => {
    const { user_id } = await recentLogin(clock, getSession, context);
    const { value } = await moveStatus(store, { user_id, status: 'deleted' });
    const ended = endUserSessions({ user_id, generation: value.generation, cause: 'account_deleted' });
    await promptly(log, 'end the sessions', ended);
    return {};
  },
});
