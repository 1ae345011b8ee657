import * as z from 'zod';
import { AppError } from '../../shared/errors.ts';
import { operation } from '../../shared/operation.ts';
import { update } from '../../shared/ports/store.ts';
import { retryConflict } from '../../shared/retry-conflict.ts';
import { Locale, PersonName, PhoneNumber, toUser, User } from './model.ts';
import { users } from './records.ts';

/** Changes the caller's own profile; what is left out stays. Address, user name, status and factors have their own ways. */
export const updateMe = operation({
  name: 'users.update-me',
  summary: "Changes the caller's own profile",
  http: { method: 'PATCH', path: '/api/v1/users/me' },
  access: 'user',
  input: z
    .strictObject({ first_name: PersonName, last_name: PersonName, phone_number: PhoneNumber, locale: Locale })
    .partial(),
  output: User,
  errors: ['not_found', 'conflict'],
  reads: [users],
  writes: [users],
  run: ({ store }, changes, { caller }) =>
    retryConflict(async () => {
      const user = caller.kind === 'user' ? await store.get(users, caller.user_id) : undefined;
      if (!user) throw new AppError('not_found');
      const value = { ...user.value, ...changes };
      await store.transact([update(users, user, value)]);
      return toUser({ ...user, value });
    }),
});
