import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { users } from './records.ts';
import { USER_STATUSES } from './status.ts';

/** What decides whether an account's sessions may go on: its status and its token generation. */
export const getAccount = operation({
  name: 'users.get-account',
  summary: 'Gives the state of an account',
  access: 'service',
  input: z.strictObject({ user_id: z.string() }),
  output: z.object({
    status: z.enum(USER_STATUSES).optional(),
    generation: z.int(),
    spared_session_id: z.string().optional(),
    recovered_at: z.int().optional().meta({ description: 'Unix ms: what was set up before opens it no more' }),
  }),
  reads: [users],
  run: async ({ store }, { user_id }) => {
    const user = await store.get(users, user_id);
    const { status, generation = 0, spared_session_id, recovered_at } = user?.value ?? {};
    return { status, generation, spared_session_id, recovered_at };
  },
});
