import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { withoutAdministrator } from './administrators.ts';
import { administrators } from './records.ts';

/** Notes that an account is about to lose the role `admin`; refused for the last one who can log in. */
export const removeAdministrator = operation({
  name: 'users.remove-administrator',
  summary: 'Notes that an account is no administrator any more',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: z.object({}),
  errors: ['last_administrator', 'conflict'],
  reads: [administrators],
  writes: [administrators],
  run: ({ store }, { user_id }) =>
    retryConflict(async () => {
      const writes = await withoutAdministrator(store, user_id);
      if (writes.length > 0) await store.transact(writes);
      return {};
    }),
});
