import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { Fields, toMessage } from './fields.ts';
import { pickFields, toUser, User } from './model.ts';
import { users } from './records.ts';

/** Users by id, in the order asked for, each once; who is not there or was deleted is named in `not_found`, in order too. */
export const getUsers = operation({
  name: 'users.get-users',
  summary: 'Gives up to 1,000 users',
  http: { method: 'POST', path: '/api/v1/users/batch-get', limit: 1024 * 1024 },
  rpc: {
    method: 'perfect21.user.UserService/BatchGetUsers',
    response: ({ users: found, not_found }) => ({ users: found.map(toMessage), not_found }),
  },
  access: 'users:read',
  input: z.strictObject({ user_ids: z.array(z.string().min(1).max(128)).min(1).max(1_000), fields: Fields }),
  output: z.object({ users: z.array(User.partial()), not_found: z.array(z.string()) }),
  reads: [users],
  run: async ({ store }, { user_ids, fields }) => {
    const ids = [...new Set(user_ids)];
    const found = await store.getMany(users, ids);
    const isThere = (id: string) => (found.get(id)?.value.status ?? 'deleted') !== 'deleted';
    return {
      users: ids.filter(isThere).map((id) => pickFields(toUser(found.get(id)!), fields)),
      not_found: ids.filter((id) => !isThere(id)),
    };
  },
});
