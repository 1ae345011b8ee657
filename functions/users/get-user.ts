import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { Fields, toMessage } from './fields.ts';
import { Email, emailKey, pickFields, toUser, User, usernameKey } from './model.ts';
import { identifiers, users } from './records.ts';

/** A user by id, e-mail address or user name; only the fields asked for. */
export const getUser = operation({
  name: 'users.get-user',
  summary: 'Gives a user',
  http: { method: 'GET', path: '/api/v1/users/{user_id}' },
  rpc: {
    method: 'perfect21.user.UserService/GetUser',
    response: (user) => ({ user: toMessage(user) }),
  },
  access: 'users:read',
  input: z
    .strictObject({ user_id: z.string().max(128), email: Email, username: z.string().max(64) })
    .partial()
    .extend({ fields: Fields })
    .refine(
      ({ user_id, email, username }) => [user_id, email, username].filter((each) => each !== undefined).length === 1,
      {
        message: 'Name exactly one of user_id, email, username',
      },
    ),
  output: User.partial(),
  errors: ['not_found'],
  reads: [users, identifiers],
  run: async ({ store }, { user_id, email, username, fields }) => {
    const key = email !== undefined ? emailKey(email) : username !== undefined ? usernameKey(username) : undefined;
    const named = key === undefined ? undefined : (await store.get(identifiers, key))?.value;
    const id = key === undefined ? user_id! : named?.reserved ? undefined : named?.user_id;
    const user = id === undefined ? undefined : await store.get(users, id);
    if (!user || user.value.status === 'deleted') throw new AppError('not_found', { detail: 'There is no such user' });
    return pickFields(toUser(user), fields);
  },
});
