import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { update } from '../../shared/ports/store.ts';
import { getEffective } from '../permissions/get-effective.ts';
import { ADMIN } from '../permissions/model.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { withAdministrator, withoutAdministrator } from './administrators.ts';
import { erase, erased } from './erasure.ts';
import { userDeleted, userStatusChanged } from './events.ts';
import { toUser, User } from './model.ts';
import { administrators, credentials, identifiers, oneTimeTokens, phoneProofs, users } from './records.ts';
import { confirm } from './registration.ts';
import { NEXT_STATUSES, USER_STATUSES } from './status.ts';

const toNumber = (user: User) => ({ user: { ...user, status: USER_STATUSES.indexOf(user.status) } });

/** Locks, suspends, reactivates or deletes an account. Any change but to `active` ends its sessions and kills its tokens. */
export const updateUserStatus = operation({
  name: 'users.update-user-status',
  summary: 'Moves an account to another status',
  http: { method: 'PATCH', path: '/api/v1/users/{user_id}/status' },
  rpc: {
    method: 'perfect21.user.UserService/UpdateUserStatus',
    request: ({ status, ...rest }) => ({ ...rest, status: USER_STATUSES[status ?? 0]! }),
    response: toNumber,
  },
  access: 'users:write',
  input: z.strictObject({
    user_id: z.string().max(128),
    status: z.enum(USER_STATUSES),
    reason: z.string().max(500).optional(),
  }),
  output: User,
  errors: ['not_found', 'conflict', 'last_administrator'],
  emits: [userStatusChanged, userDeleted],
  reads: [users, identifiers, credentials, oneTimeTokens, phoneProofs, administrators],
  writes: [users, identifiers, credentials, oneTimeTokens, phoneProofs, administrators],
  needs: ['log'],
  calls: { endUserSessions, getEffective },
  run: async ({ store, log, endUserSessions, getEffective }, { user_id, status, reason }) => {
    const changed = await retryConflict(async () => {
      const user = await store.get(users, user_id);
      if (!user) throw new AppError('not_found', { detail: 'No user has this id' });
      const old_status = user.value.status;
      if (old_status === status) return user;
      if (!NEXT_STATUSES[old_status].includes(status)) {
        throw new AppError('invalid_request', {
          errors: [{ path: 'status', message: `An account that is ${old_status} can't become ${status}` }],
        });
      }
      const generation = user.value.generation + (status === 'active' ? 0 : 1);
      const told = { user_id, old_status, new_status: status, generation, reason };
      const events = [userStatusChanged.with(told, { user_id })];
      const rules = status === 'active' && (await getEffective({ user_id })).roles.includes(ADMIN);
      // in the same commit: of two administrators who remove each other at once one finds that he is the last
      const guard = rules ? await withAdministrator(store, user_id) : [];
      if (status !== 'active') guard.push(...(await withoutAdministrator(store, user_id)));
      if (status === 'deleted') {
        const value = erased(user.value, generation);
        const writes = [...(await erase(store, user, value)), ...guard];
        await store.transact(writes, [...events, userDeleted.with({ user_id }, { user_id })]);
        return { ...user, value };
      }
      const value = { ...user.value, status, generation, spared_session_id: undefined };
      const waited = old_status === 'pending_verification';
      const writes = waited ? await confirm(store, user, value) : [update(users, user, value)];
      await store.transact([...writes, ...guard], events);
      return { ...user, value };
    });
    // at once here; the event makes sure of it if this process ends now
    if (status !== 'active') {
      const { generation } = changed.value;
      await promptly(log, 'end the sessions', endUserSessions({ user_id, generation, reason: 'user_inactive' }));
    }
    return toUser(changed);
  },
});
