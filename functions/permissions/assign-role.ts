import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert, update } from '../../shared/ports/store.ts';
import { BUILT_IN_ROLES } from './model.ts';
import { roleAssignments } from './records.ts';

/** Gives a user a role; tokens issued from then on carry it. */
export const assignRole = operation({
  name: 'permissions.assign-role',
  summary: 'Gives a user a role',
  access: 'service',
  input: z.strictObject({ user_id: z.string(), role: z.enum(Object.keys(BUILT_IN_ROLES)) }),
  output: z.object({ roles: z.array(z.string()) }),
  errors: ['conflict'],
  reads: [roleAssignments],
  writes: [roleAssignments],
  run: ({ store }, { user_id, role }) =>
    retryConflict(async () => {
      const assigned = await store.get(roleAssignments, user_id);
      const roles = [...new Set([...(assigned?.value.roles ?? []), role])];
      await store.transact([
        assigned ? update(roleAssignments, assigned, { roles }) : insert(roleAssignments, user_id, { roles }),
      ]);
      return { roles };
    }),
});
