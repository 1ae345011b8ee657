import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { isoOf, NamedMoment } from '../../shared/kit/moment.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { getAccount } from '../users/get-account.ts';
import { actorOf, requireHeld } from './acting.ts';
import { assignmentsChange, requireNoAdministrator, requireUser, untilOf } from './assignments.ts';
import { permissionGranted, permissionRevoked } from './events.ts';
import { Permission, PermissionText, Reason, toPermission, UserId } from './model.ts';
import { roleAssignments, roles, ruleGenerations } from './records.ts';
import { rolesNow } from './rules.ts';

/** Grants a user a permission beside his roles, or denies one in spite of them: a denial wins. Said again, it replaces. */
export const grantPermission = operation({
  name: 'permissions.grant-permission',
  summary: 'Grants or denies a user a permission',
  http: { method: 'PUT', path: '/api/v1/permissions/users/{user_id}/grants' },
  access: 'permissions:write',
  input: z.strictObject({
    user_id: UserId,
    permission: PermissionText,
    effect: z.enum(['allow', 'deny']).default('allow'),
    expires_at: NamedMoment.optional(),
    reason: Reason,
  }),
  output: Permission.extend({ effect: z.enum(['allow', 'deny']), expires_at: z.int().optional() }),
  errors: ['not_found', 'conflict'],
  emits: [permissionGranted, permissionRevoked],
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  writes: [roleAssignments, revocationRecords],
  needs: ['clock', 'ids', 'revocations'],
  calls: { getAccount },
  audit: ['permission', 'effect', 'expires_at'],
  run: async ({ store, clock, ids, revocations, getAccount }, input, context) => {
    const { user_id, permission, effect, reason } = input;
    const expires_at = isoOf(input.expires_at);
    requireUser(await getAccount({ user_id }));
    return retryConflict(async () => {
      const now = Math.floor(clock.now() / 1_000);
      const until = untilOf(expires_at, now);
      await requireHeld(store, await rolesNow(store, clock), context, [permission], now);
      const read = await store.get(roleAssignments, user_id);
      const { roles: assigned = [], grants: before = [] } = read?.value ?? {};
      if (effect === 'deny') requireNoAdministrator(assigned, now);
      const id = before.find((each) => each.permission === permission)?.id ?? ids.uuid();
      const grant = { id, permission, effect, expires_at: until, given_by: actorOf(context), given_at: now, reason };
      const grants = [...before.filter((each) => each.id !== id), grant];
      const told = { user_id, permission, changed_by: actorOf(context), reason };
      const event =
        effect === 'allow'
          ? permissionGranted.with({ ...told, expires_at }, { user_id })
          : permissionRevoked.with(told, { user_id });
      const change = assignmentsChange(user_id, read, { roles: assigned, grants }, clock.now());
      await store.transact(change.writes, [event]);
      revocations.learn(change.notice);
      return { ...toPermission(permission, { id, description: reason }), effect, expires_at: until };
    });
  },
});
