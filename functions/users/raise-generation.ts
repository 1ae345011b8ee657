import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { update } from '../../shared/ports/store.ts';
import { CAUSE_NAMES } from '../sessions/causes.ts';
import { userSessionsEnded } from './events.ts';
import { users } from './records.ts';

/** Makes every token and session that an account has a former one, except those of one session. */
export const raiseGeneration = operation({
  name: 'users.raise-generation',
  summary: 'Makes the tokens and sessions of an account former ones',
  access: 'service',
  input: z.strictObject({
    user_id: z.string(),
    spared_session_id: z.string().optional(),
    cause: z.enum(CAUSE_NAMES).optional(),
  }),
  output: z.object({ generation: z.int() }),
  errors: ['not_found', 'conflict'],
  emits: [userSessionsEnded],
  reads: [users],
  writes: [users],
  run: ({ store }, { user_id, spared_session_id, cause }) =>
    retryConflict(async () => {
      const user = await store.get(users, user_id);
      if (!user) throw new AppError('not_found');
      const generation = user.value.generation + 1;
      const told = { user_id, generation, except_session_id: spared_session_id, cause };
      await store.transact(
        [update(users, user, { ...user.value, generation, spared_session_id })],
        [userSessionsEnded.with(told, { user_id })],
      );
      return { generation };
    }),
});
