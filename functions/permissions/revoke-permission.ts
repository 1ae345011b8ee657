import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { actorOf, requireHeld } from './acting.ts';
import { assignmentsChange } from './assignments.ts';
import { permissionGranted, permissionRevoked } from './events.ts';
import { PermissionText, UserId } from './model.ts';
import { roleAssignments, roles, ruleGenerations } from './records.ts';
import { rolesNow } from './rules.ts';

/** Takes a grant or a denial back. Taking one back that is not there changes nothing. */
export const revokePermission = operation({
  name: 'permissions.revoke-permission',
  summary: 'Takes a grant or a denial back',
  http: { method: 'DELETE', path: '/api/v1/permissions/users/{user_id}/grants', status: 204 },
  access: 'permissions:write',
  input: z.strictObject({ user_id: UserId, permission: PermissionText }),
  output: z.object({}),
  errors: ['conflict'],
  emits: [permissionGranted, permissionRevoked],
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  writes: [roleAssignments, revocationRecords],
  needs: ['clock', 'revocations'],
  audit: ['permission'],
  run: ({ store, clock, revocations }, { user_id, permission }, context) =>
    retryConflict(async () => {
      const now = Math.floor(clock.now() / 1_000);
      const read = await store.get(roleAssignments, user_id);
      const grant = read?.value.grants.find((each) => each.permission === permission);
      if (!read || !grant) return {};
      await requireHeld(store, await rolesNow(store, clock), context, [permission], now);
      const grants = read.value.grants.filter((each) => each !== grant);
      const told = { user_id, permission, changed_by: actorOf(context) };
      const event =
        grant.effect === 'deny' ? permissionGranted.with(told, { user_id }) : permissionRevoked.with(told, { user_id });
      const change = assignmentsChange(user_id, read, { ...read.value, grants }, clock.now());
      await store.transact(change.writes, [event]);
      revocations.learn(change.notice);
      return {};
    }),
});
