import * as z from 'zod';
import { revocations as revocationRecords } from '../../shared/keys/revocation-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { removeAdministrator } from '../users/remove-administrator.ts';
import { actorOf, requireHeld } from './acting.ts';
import { assignmentsChange } from './assignments.ts';
import { roleRevoked } from './events.ts';
import { ADMIN, RuleName, UserId } from './model.ts';
import { roleAssignments, roles, ruleGenerations } from './records.ts';
import { rolesNow } from './rules.ts';

/** Takes a role from a user. Taking one that he does not have changes nothing; nobody takes one that may more than he does. */
export const revokeRole = operation({
  name: 'permissions.revoke-role',
  summary: 'Takes a role from a user',
  http: { method: 'DELETE', path: '/api/v1/permissions/users/{user_id}/roles/{role}', status: 204 },
  access: 'permissions:write',
  input: z.strictObject({ user_id: UserId, role: RuleName }),
  output: z.object({}),
  errors: ['conflict', 'last_administrator'],
  emits: [roleRevoked],
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  writes: [roleAssignments, revocationRecords],
  needs: ['clock', 'revocations'],
  calls: { removeAdministrator },
  run: ({ store, clock, revocations, removeAdministrator }, { user_id, role }, context) =>
    retryConflict(async () => {
      const read = await store.get(roleAssignments, user_id);
      if (!read?.value.roles.some((each) => each.role === role)) return {};
      const rules = await rolesNow(store, clock);
      const taken = rules.roles.get(role)?.permissions.map(({ text }) => text) ?? [];
      await requireHeld(store, rules, context, taken, Math.floor(clock.now() / 1_000));
      // before it: of two who take it from each other at once, one is the last
      if (role === ADMIN) await removeAdministrator({ user_id });
      const left = read.value.roles.filter((each) => each.role !== role);
      const change = assignmentsChange(user_id, read, { ...read.value, roles: left }, clock.now());
      await store.transact(change.writes, [
        roleRevoked.with({ user_id, role, changed_by: actorOf(context) }, { user_id }),
      ]);
      revocations.learn(change.notice);
      return {};
    }),
});
