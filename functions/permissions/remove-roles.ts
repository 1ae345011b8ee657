import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove } from '../../shared/ports/store.ts';
import { roleAssignments } from './records.ts';

/** Takes all roles of a user who is gone. */
export const removeRoles = operation({
  name: 'permissions.remove-roles',
  summary: 'Takes all roles of a deleted user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: z.object({}),
  errors: ['conflict'],
  reads: [roleAssignments],
  writes: [roleAssignments],
  run: ({ store }, { user_id }) =>
    retryConflict(async () => {
      const assigned = await store.get(roleAssignments, user_id);
      if (assigned) await store.transact([remove(roleAssignments, assigned)]);
      return {};
    }),
});
