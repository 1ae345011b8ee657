import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { Notification, toNotification } from './frames.ts';
import { inbox } from './records.ts';

/** The caller's inbox, newest first. */
export const listNotifications = operation({
  name: 'notifications.list-notifications',
  summary: "Lists the caller's inbox",
  http: { method: 'GET', path: '/api/v1/notifications' },
  access: 'user',
  input: z.strictObject({
    cursor: z.string().max(1024).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  output: z.object({ notifications: z.array(Notification), next_cursor: z.string().optional() }),
  reads: [inbox],
  queries: ['inbox.by_user'],
  run: async ({ store }, { cursor, limit }, { caller }) => {
    if (caller.kind !== 'user') return { notifications: [] };
    const page = await store.query(inbox, 'by_user', caller.user_id, { cursor, limit, order: 'desc' });
    return {
      notifications: page.items.map(({ id, value }) => toNotification(id, value)),
      next_cursor: page.next_cursor,
    };
  },
});
