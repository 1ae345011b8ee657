import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { removeAdministrator } from '../users/remove-administrator.ts';
import { actorOf } from './acting.ts';
import { assignmentsChange } from './assignments.ts';
import { roleRevoked } from './events.ts';
import { ADMIN, RuleName, UserId } from './model.ts';
import { roleAssignments } from './records.ts';

/** Takes a role from a user. Taking one that he does not have changes nothing. */
export const revokeRole = operation({
  name: 'permissions.revoke-role',
  summary: 'Takes a role from a user',
  http: { method: 'DELETE', path: '/api/v1/permissions/users/{user_id}/roles/{role}', status: 204 },
  access: 'permissions:write',
  input: z.strictObject({ user_id: UserId, role: RuleName }),
  output: z.object({}),
  errors: ['conflict', 'last_administrator'],
  emits: [roleRevoked],
  reads: [roleAssignments],
  writes: [roleAssignments, revocationRecords],
  needs: ['clock', 'revocations'],
  calls: { removeAdministrator },
  run: ({ store, clock, revocations, removeAdministrator }, { user_id, role }, context) =>
    retryConflict(async () => {
      const read = await store.get(roleAssignments, user_id);
      if (!read?.value.roles.some((each) => each.role === role)) return {};
      // before it: of two who take it from each other at once, one is the last
      if (role === ADMIN) await removeAdministrator({ user_id });
      const roles = read.value.roles.filter((each) => each.role !== role);
      const change = assignmentsChange(user_id, read, { ...read.value, roles }, clock.now());
      await store.transact(change.writes, [
        roleRevoked.with({ user_id, role, changed_by: actorOf(context) }, { user_id }),
      ]);
      revocations.learn(change.notice);
      return {};
    }),
});
