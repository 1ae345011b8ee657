import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { remove } from '../../shared/ports/store.ts';
import { removeRoles } from '../permissions/remove-roles.ts';
import { userDeleted } from './events.ts';
import { loginHistory } from './records.ts';

/** Deletes what was too much for the commit of the deletion: from where a deleted user logged in, and the roles. */
export const onUserDeleted = operation({
  name: 'users.on-user-deleted',
  summary: 'Deletes the login history and roles of a deleted user',
  subscription: { queue: 'user-service.deletions', bindings: [userDeleted.key], types: [userDeleted.type] },
  access: 'service',
  input: envelopeOf(userDeleted),
  output: z.object({}),
  errors: ['conflict'],
  reads: [loginHistory],
  queries: ['login_history.by_user'],
  writes: [loginHistory],
  calls: { removeRoles },
  run: async ({ store, removeRoles }, { data: { user_id } }) => {
    await removeRoles({ user_id });
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await store.query(loginHistory, 'by_user', user_id, { limit: 50, cursor });
      if (page.items.length) await store.transact(page.items.map((login) => remove(loginHistory, login)));
      cursor = page.next_cursor;
    }
    return {};
  },
});
