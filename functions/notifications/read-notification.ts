import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { mark } from './mark.ts';
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
    mark(store, id, caller.kind === 'user' ? caller.user_id : undefined, 'read_at', clock.now()),
});
