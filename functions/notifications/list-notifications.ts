import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { CATEGORIES } from './model.ts';
import { inbox } from './records.ts';

const Notification = z.object({
  id: z.string(),
  category: z.enum(CATEGORIES),
  title: z.string(),
  text: z.string(),
  url: z.string().optional(),
  created_at: z.int().meta({ description: 'Unix seconds' }),
  read: z.boolean(),
});

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
      notifications: page.items.map(({ id, value: { category, title, text, url, created_at, read_at } }) => ({
        ...{ id, category, title, text, url },
        created_at: Math.floor(created_at / 1000),
        read: read_at !== undefined,
      })),
      next_cursor: page.next_cursor,
    };
  },
});
