import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { identifierKey } from './model.ts';
import { identifiers } from './records.ts';

/** Whose account an e-mail address or user name means, if anybody's. */
export const findAccount = operation({
  name: 'users.find-account',
  summary: 'Finds the account of an identifier',
  access: 'service',
  input: z.strictObject({ identifier: z.string() }),
  output: z.object({ user_id: z.string().optional() }),
  reads: [identifiers],
  run: async ({ store }, { identifier }) => {
    // a read is made for what can't be an identifier too, so that time does not tell
    const found = await store.get(identifiers, identifierKey(identifier) ?? 'none:');
    return { user_id: found?.value.reserved ? undefined : found?.value.user_id };
  },
});
