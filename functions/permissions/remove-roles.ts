import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove } from '../../shared/ports/store.ts';
import { recentDecisions, roleAssignments } from './records.ts';

/** Takes all roles of a user who is gone, and forgets what was decided about him. */
export const removeRoles = operation({
  name: 'permissions.remove-roles',
  summary: 'Takes all roles of a deleted user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: z.object({}),
  errors: ['conflict'],
  reads: [roleAssignments, recentDecisions],
  queries: ['recent_decisions.by_user'],
  writes: [roleAssignments, recentDecisions],
  run: ({ store }, { user_id }) =>
    retryConflict(async () => {
      const assigned = await store.get(roleAssignments, user_id);
      if (assigned) await store.transact([remove(roleAssignments, assigned)]);
      for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
        const page = await store.query(recentDecisions, 'by_user', user_id, { limit: 50, cursor });
        if (page.items.length) await store.transact(page.items.map((each) => remove(recentDecisions, each)));
        cursor = page.next_cursor;
      }
      return {};
    }),
});
