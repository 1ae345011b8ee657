import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { getEffective } from '../permissions/get-effective.ts';
import { ADMIN } from '../permissions/model.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { toMessage } from './fields.ts';
import { toUser, User } from './model.ts';
import { MOVE_EVENTS, MOVES, moveStatus } from './move-status.ts';
import { USER_STATUSES } from './status.ts';

/** Locks, suspends, reactivates or deletes an account. Any change but to `active` ends its sessions and kills its tokens. */
export const updateUserStatus = operation({
  name: 'users.update-user-status',
  summary: 'Moves an account to another status',
  http: { method: 'PATCH', path: '/api/v1/users/{user_id}/status' },
  rpc: {
    method: 'perfect21.user.UserService/UpdateUserStatus',
    request: ({ status, ...rest }) => ({ ...rest, status: USER_STATUSES[status ?? 0] ?? `${status}` }),
    response: (user) => ({ user: toMessage(user) }),
  },
  access: 'users:write',
  input: z.strictObject({
    user_id: z.string().max(128),
    status: z.enum(USER_STATUSES),
    reason: z.string().max(500).optional(),
  }),
  output: User,
  errors: ['not_found', 'conflict', 'last_administrator'],
  emits: MOVE_EVENTS,
  reads: MOVES,
  writes: MOVES,
  needs: ['log'],
  audit: ['status'],
  calls: { endUserSessions, getEffective },
  run: async ({ store, log, endUserSessions, getEffective }, { user_id, status, reason }) => {
    const isAdministrator = async () => (await getEffective({ user_id })).roles.includes(ADMIN);
    const changed = await moveStatus(store, { user_id, status, reason }, isAdministrator);
    // at once here; the event makes sure of it if this process ends now
    if (status !== 'active') {
      const { generation } = changed.value;
      await promptly(log, 'end the sessions', endUserSessions({ user_id, generation, cause: 'status_changed' }));
    }
    return toUser(changed);
  },
});
