import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { users } from './records.ts';
import { USER_STATUSES, type UserStatus } from './status.ts';

/** The states of many accounts, by id; who is not there is left out. */
export const getAccounts = operation({
  name: 'users.get-accounts',
  summary: 'Gives the states of many accounts',
  access: 'service',
  input: z.strictObject({ user_ids: z.array(z.string()).max(1_000) }),
  output: z.object({ accounts: z.record(z.string(), z.object({ status: z.enum(USER_STATUSES) })) }),
  reads: [users],
  run: async ({ store }, { user_ids }) => {
    const found = await store.getMany(users, user_ids);
    // a thousand of them are asked for with each batch of checks
    const accounts: Record<string, { status: UserStatus }> = Object.create(null);
    for (const [id, { value }] of found) accounts[id] = { status: value.status };
    return { accounts };
  },
});
