import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { mark } from './mark.ts';
import { inbox } from './records.ts';

/**
 * Notes that a device of the caller's took a message of his inbox, so that it goes no other way (`fallback_after`). A
 * WebSocket says it by `{"type":"ack","id":…}`; who listens by Server-Sent Events, by this.
 */
export const ackNotification = operation({
  name: 'notifications.ack-notification',
  summary: "Notes that a device took a message of the caller's inbox",
  http: { method: 'POST', path: '/api/v1/notifications/{id}/ack', status: 204 },
  access: 'user',
  input: z.strictObject({ id: z.string().min(1).max(128) }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  reads: [inbox],
  writes: [inbox],
  needs: ['clock'],
  audit: 'events',
  run: ({ store, clock }, { id }, { caller }) =>
    mark(store, id, caller.kind === 'user' ? caller.user_id : undefined, 'taken_at', clock.now()),
});
