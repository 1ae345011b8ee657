import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { update } from '../../shared/ports/store.ts';
import { inbox } from './records.ts';

/** Marks a message of the caller's inbox as read. Somebody else's is as unknown as none. */
export const readNotification = operation({
  name: 'notifications.read-notification',
  summary: "Marks a message of the caller's inbox as read",
  http: { method: 'POST', path: '/api/v1/notifications/{id}/read', status: 204 },
  access: 'user',
  input: z.strictObject({ id: z.string().min(1).max(128) }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  reads: [inbox],
  writes: [inbox],
  needs: ['clock'],
  audit: 'events',
  run: ({ store, clock }, { id }, { caller }) =>
    retryConflict(async () => {
      const found = await store.get(inbox, id);
      if (caller.kind !== 'user' || found?.value.user_id !== caller.user_id) {
        throw new AppError('not_found', { detail: 'You have no message with this id' });
      }
      if (found.value.read_at === undefined) {
        await store.transact([update(inbox, found, { ...found.value, read_at: clock.now() })]);
      }
      return {};
    }),
});
