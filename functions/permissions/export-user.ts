import * as z from 'zod';
import { Exported, rowsOf, single, together } from '../../shared/kit/exported.ts';
import { operation } from '../../shared/kit/operation.ts';
import { recentDecisions, roleAssignments } from './records.ts';

/** What is kept of a user here, for the user: roles, grants and denials, who gave them, and the sample of what was asked. */
export const exportUser = operation({
  name: 'permissions.export-user',
  summary: 'Gives all that permissions keep of a user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: Exported,
  reads: [roleAssignments, recentDecisions],
  queries: ['recent_decisions.by_user'],
  run: async ({ store }, { user_id }) => {
    const assigned = await store.get(roleAssignments, user_id);
    return together(
      single('role_assignments', assigned && { ...assigned.value }),
      await rowsOf(
        'recent_decisions',
        (cursor) => store.query(recentDecisions, 'by_user', user_id, { cursor, limit: 200, order: 'desc' }),
        ({ value: { user_id: _, ...asked } }) => asked,
      ),
    );
  },
});
