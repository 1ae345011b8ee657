import * as z from 'zod';
import { Exported, single } from '../../shared/kit/exported.ts';
import { operation } from '../../shared/kit/operation.ts';
import { roleAssignments } from './records.ts';

/** What is kept of a user here, for the user: roles, grants and denials, who gave them, and until when. */
export const exportUser = operation({
  name: 'permissions.export-user',
  summary: 'Gives all that permissions keep of a user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: Exported,
  reads: [roleAssignments],
  run: async ({ store }, { user_id }) => {
    const assigned = await store.get(roleAssignments, user_id);
    return single('role_assignments', assigned && { ...assigned.value });
  },
});
