import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { remove } from '../../shared/ports/store.ts';
import { userDeleted } from '../users/events.ts';
import { factors } from './records.ts';

/** Deletes the second factor of a user who is gone. */
export const onUserDeleted = operation({
  name: 'auth.on-user-deleted',
  summary: 'Deletes the second factor of a deleted user',
  subscription: { queue: 'auth-service.deletions', bindings: [userDeleted.key], types: [userDeleted.type] },
  access: 'service',
  input: envelopeOf(userDeleted),
  output: z.object({}),
  errors: ['conflict'],
  reads: [factors],
  writes: [factors],
  run: ({ store }, { data: { user_id } }) =>
    retryConflict(async () => {
      const factor = await store.get(factors, user_id);
      if (factor) await store.transact([remove(factors, factor)]);
      return {};
    }),
});
