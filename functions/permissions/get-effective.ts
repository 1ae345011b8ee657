import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { effective, firstEnd, forToken } from './effective.ts';
import { roleAssignments, roles, ruleGenerations } from './records.ts';
import { rolesNow } from './rules.ts';

/** The roles of a user and the permissions they add up to: what goes into an access token. */
export const getEffective = operation({
  name: 'permissions.get-effective',
  summary: 'Gives the roles and permissions of a user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: z.object({
    roles: z.array(z.string()),
    permissions: z.array(z.string()),
    permissions_generation: z.int(),
    roles_generation: z.int(),
    ends_at: z.int().optional().meta({ description: 'When the first of them ends by itself, unix seconds' }),
  }),
  reads: [roleAssignments, roles, ruleGenerations],
  queries: ['roles.all'],
  needs: ['clock'],
  run: async ({ store, clock }, { user_id }) => {
    const [assigned, rules] = await Promise.all([store.get(roleAssignments, user_id), rolesNow(store, clock)]);
    const now = Math.floor(clock.now() / 1_000);
    const found = effective(rules, assigned?.value, now);
    return {
      roles: found.roles,
      permissions: forToken(found.permissions),
      permissions_generation: assigned?.value.generation ?? 0,
      roles_generation: rules.generation,
      ends_at: firstEnd(assigned?.value, now),
    };
  },
});
