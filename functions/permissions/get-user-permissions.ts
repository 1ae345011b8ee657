import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { covers, parsePermission } from '../../shared/kit/permissions.ts';
import { getAccount } from '../users/get-account.ts';
import { requireUser } from './assignments.ts';
import { effective } from './effective.ts';
import { Permission, toPermission, UserId } from './model.ts';
import { roleAssignments, roles, ruleGenerations } from './records.ts';
import { rolesNow } from './rules.ts';

/**
 * As gRPC has them, where nothing says that one is a denial: its resource begins with `!`, so that nobody takes it for a permission,
 * and what a denial takes whole is left out.
 */
const toList = (texts: readonly string[]): Permission[] => {
  const listed = texts.map((text) => ({ text, parsed: parsePermission(text) }));
  const taken = listed.flatMap(({ parsed }) => (parsed.denied ? [{ ...parsed, denied: false }] : []));
  return listed.flatMap(({ text, parsed }) => {
    const permission = toPermission(text);
    if (parsed.denied) return [{ ...permission, resource: `!${parsed.resource}` }];
    return taken.some((each) => covers(each, parsed)) ? [] : [permission];
  });
};

/** Lists what a user may do now, by roles and by grants; denials begin with `!`. */
export const getUserPermissions = operation({
  name: 'permissions.get-user-permissions',
  summary: 'Lists the permissions of a user',
  http: { method: 'GET', path: '/api/v1/permissions/users/{user_id}' },
  rpc: {
    method: 'perfect21.permission.PermissionService/GetUserPermissions',
    request: ({ user_id, resource }: { user_id: string; resource?: string }) => ({
      user_id,
      ...(resource && { resource }),
    }),
    response: ({ permissions }) => ({ permissions: toList(permissions) }),
  },
  access: ['own', 'service', 'permissions:read'],
  input: z.strictObject({
    user_id: UserId,
    resource: z.string().max(64).optional().meta({ description: 'Only permissions on this resource' }),
  }),
  output: z.object({
    permissions: z.array(z.string()),
    grants: z.array(Permission.extend({ effect: z.enum(['allow', 'deny']), expires_at: z.int().optional() })),
  }),
  errors: ['not_found'],
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  needs: ['clock'],
  calls: { getAccount },
  run: async ({ store, clock, getAccount }, { user_id, resource }) => {
    const [account, assigned, rules] = await Promise.all([
      getAccount({ user_id }),
      store.get(roleAssignments, user_id),
      rolesNow(store, clock),
    ]);
    requireUser(account);
    const now = Math.floor(clock.now() / 1_000);
    const concerns = (text: string): boolean =>
      resource === undefined || [resource, '*'].includes(parsePermission(text).resource);
    const grants = (assigned?.value.grants ?? []).filter(
      ({ permission, expires_at = Infinity }) => now < expires_at && concerns(permission),
    );
    return {
      permissions: effective(rules, assigned?.value, now).permissions.filter(concerns),
      grants: grants.map(({ id, permission, effect, expires_at, reason }) => ({
        ...toPermission(permission, { id, description: reason }),
        effect,
        expires_at,
      })),
    };
  },
});
