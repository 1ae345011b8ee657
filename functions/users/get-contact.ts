import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { users } from './records.ts';

/** Where and in which language to reach a user. */
export const getContact = operation({
  name: 'users.get-contact',
  summary: 'Gives the addresses and language of a user',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: z.object({
    email: z.string(),
    phone_number: z.string().optional(),
    locale: z.string().optional(),
    first_name: z.string().optional(),
    verified: z.boolean(),
  }),
  errors: ['not_found'],
  reads: [users],
  run: async ({ store }, { user_id }) => {
    const user = await store.get(users, user_id);
    if (!user || user.value.status === 'deleted') throw new AppError('not_found', { detail: 'No user has this id' });
    // messages go to no number that nobody proved
    return { ...user.value, phone_number: user.value.proven_phone };
  },
});
