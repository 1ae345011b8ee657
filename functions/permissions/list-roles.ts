import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { BUILT_IN_ROLES, Role } from './model.ts';
import { roleAssignments, roles, ruleGenerations } from './records.ts';
import { toRole } from './role-view.ts';
import { rolesNow } from './rules.ts';

/** Lists roles by name, the built-in ones first. */
export const listRoles = operation({
  name: 'permissions.list-roles',
  summary: 'Lists roles',
  http: { method: 'GET', path: '/api/v1/roles' },
  access: 'permissions:read',
  input: z.strictObject({
    cursor: z.string().max(1_024).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  output: z.object({ roles: z.array(Role), next_cursor: z.string().optional() }),
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  needs: ['clock'],
  run: async ({ store, clock }, { cursor, limit }) => {
    const rules = await rolesNow(store, clock);
    const page = await store.query(roles, 'all', 'all', { limit, cursor });
    const names = [...(cursor ? [] : Object.keys(BUILT_IN_ROLES)), ...page.items.map(({ id }) => id)];
    const found = names.flatMap((name) => rules.roles.get(name) ?? []);
    return { roles: found.map(toRole), next_cursor: page.next_cursor };
  },
});
