import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert, remove, update } from '../../shared/ports/store.ts';
import { Locale, PersonName, PhoneNumber, toUser, User, Username, usernameKey } from './model.ts';
import { identifiers, users } from './records.ts';

/** Changes the caller's own profile; what is left out stays. Address, status and factors have their own ways. */
export const updateMe = operation({
  name: 'users.update-me',
  summary: "Changes the caller's own profile",
  http: { method: 'PATCH', path: '/api/v1/users/me' },
  access: 'user',
  input: z
    .strictObject({
      username: Username,
      first_name: PersonName,
      last_name: PersonName,
      phone_number: PhoneNumber,
      locale: Locale,
    })
    .partial(),
  output: User,
  errors: ['not_found', 'conflict', 'already_exists'],
  reads: [users, identifiers],
  writes: [users, identifiers],
  run: ({ store }, changes, { caller }) =>
    retryConflict(async () => {
      const user = caller.kind === 'user' ? await store.get(users, caller.user_id) : undefined;
      if (!user) throw new AppError('not_found');
      const [held, wanted] = [user.value.username, changes.username];
      const renames = wanted !== undefined && (held === undefined || usernameKey(held) !== usernameKey(wanted));
      const taken = renames && (await store.get(identifiers, usernameKey(wanted)));
      if (taken) {
        throw new AppError('already_exists', {
          errors: [{ path: 'username', message: 'Somebody else has this name' }],
        });
      }
      const old = renames && held !== undefined ? await store.get(identifiers, usernameKey(held)) : undefined;
      const value = { ...user.value, ...changes };
      await store.transact([
        update(users, user, value),
        ...(renames ? [insert(identifiers, usernameKey(wanted), { user_id: user.id })] : []),
        ...(old ? [remove(identifiers, old)] : []),
      ]);
      return toUser({ ...user, value });
    }),
});
