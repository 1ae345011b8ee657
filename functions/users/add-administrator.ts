import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { check } from '../../shared/ports/store.ts';
import { withAdministrator } from './administrators.ts';
import { administrators, users } from './records.ts';

/** Notes that an account has the role `admin` by now. One that can't log in counts once it is active again. */
export const addAdministrator = operation({
  name: 'users.add-administrator',
  summary: 'Notes that an account is an administrator',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  reads: [users, administrators],
  writes: [users, administrators],
  run: ({ store }, { user_id }) =>
    retryConflict(async () => {
      const user = await store.get(users, user_id);
      if (!user) throw new AppError('not_found', { detail: 'No user has this id' });
      if (user.value.status !== 'active') return {};
      const writes = await withAdministrator(store, user_id);
      if (writes.length > 0) await store.transact([check(users, user), ...writes]);
      return {};
    }),
});
