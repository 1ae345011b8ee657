import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { BUILT_IN_ROLES, DEFAULT_ROLE } from './model.ts';
import { roleAssignments } from './records.ts';

/** The roles of a user and the permissions they add up to: what goes into an access token. */
export const getEffective = operation({
  name: 'permissions.get-effective',
  summary: 'Gives the roles and permissions of a user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: z.object({ roles: z.array(z.string()), permissions: z.array(z.string()) }),
  reads: [roleAssignments],
  run: async ({ store }, { user_id }) => {
    const assigned = await store.get(roleAssignments, user_id);
    const roles = [DEFAULT_ROLE, ...(assigned?.value.roles ?? [])];
    return { roles, permissions: [...new Set(roles.flatMap((role) => BUILT_IN_ROLES[role] ?? []))] };
  },
});
