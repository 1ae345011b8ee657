import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { MOVE_EVENTS, MOVES, moveStatus } from './move-status.ts';

/** Deletes the caller's account for good: its data goes from every collection, address and name become free. */
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
  needs: ['log'],
  calls: { endUserSessions },
  run: async ({ store, log, endUserSessions }, _, { caller }) => {
    if (caller.kind !== 'user') throw new AppError('unauthenticated');
    const { user_id } = caller;
    const { value } = await moveStatus(store, { user_id, status: 'deleted' });
    const ended = endUserSessions({ user_id, generation: value.generation, reason: 'user_inactive' });
    await promptly(log, 'end the sessions', ended);
    return {};
  },
});
