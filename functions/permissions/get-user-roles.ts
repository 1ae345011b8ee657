import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { getAccount } from '../users/get-account.ts';
import { requireUser } from './assignments.ts';
import { Role, UserId } from './model.ts';
import { roleAssignments, roles, ruleGenerations } from './records.ts';
import { toRole } from './role-view.ts';
import { rolesNow, rolesOf } from './rules.ts';

/** Lists the roles of a user with their permissions, inherited ones included, by priority. */
export const getUserRoles = operation({
  name: 'permissions.get-user-roles',
  summary: 'Lists the roles of a user',
  http: { method: 'GET', path: '/api/v1/permissions/users/{user_id}/roles' },
  rpc: { method: 'perfect21.permission.PermissionService/GetUserRoles' },
  access: ['own', 'service', 'permissions:read'],
  input: z.strictObject({ user_id: UserId }),
  output: z.object({ roles: z.array(Role.extend({ expires_at: z.int().optional() })) }),
  errors: ['not_found'],
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  needs: ['clock'],
  calls: { getAccount },
  run: async ({ store, clock, getAccount }, { user_id }) => {
    const [account, assigned, rules] = await Promise.all([
      getAccount({ user_id }),
      store.get(roleAssignments, user_id),
      rolesNow(store, clock),
    ]);
    requireUser(account);
    const given = assigned?.value.roles ?? [];
    const found = rolesOf(rules, given, Math.floor(clock.now() / 1_000));
    return {
      roles: found.map((role) => ({
        ...toRole(role),
        expires_at: given.find((each) => each.role === role.name)?.expires_at,
      })),
    };
  },
});
