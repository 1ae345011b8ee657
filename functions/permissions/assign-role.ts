import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert, update } from '../../shared/ports/store.ts';
import { addAdministrator } from '../users/add-administrator.ts';
import { ADMIN, BUILT_IN_ROLES } from './model.ts';
import { roleAssignments } from './records.ts';

/** Gives a user a role; tokens issued from then on carry it. Who may do everything is noted as an administrator after it. */
export const assignRole = operation({
  name: 'permissions.assign-role',
  summary: 'Gives a user a role',
  access: 'service',
  input: z.strictObject({ user_id: z.string(), role: z.enum(Object.keys(BUILT_IN_ROLES)) }),
  output: z.object({ roles: z.array(z.string()) }),
  errors: ['not_found', 'conflict'],
  reads: [roleAssignments],
  writes: [roleAssignments],
  calls: { addAdministrator },
  run: async ({ store, addAdministrator }, { user_id, role }) => {
    const roles = await retryConflict(async () => {
      const assigned = await store.get(roleAssignments, user_id);
      const roles = [...new Set([...(assigned?.value.roles ?? []), role])];
      await store.transact([
        assigned ? update(roleAssignments, assigned, { roles }) : insert(roleAssignments, user_id, { roles }),
      ]);
      return roles;
    });
    if (role === ADMIN) await addAdministrator({ user_id });
    return { roles };
  },
});
