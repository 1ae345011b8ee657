/** What listeners are told, and how. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Frame } from '../../shared/ports/realtime.ts';
import { CATEGORIES, type Channel } from './model.ts';
import type { DeliveryRecord, InboxRecord } from './records.ts';

export const TICKET_TTL_S = 30;
/** By what a ticket is kept: whoever reads the store gets in with none. */
export const ticketId = (ticket: string): string => createHash('sha256').update(ticket).digest('base64url');

/** A frame of a WebSocket or of Server-Sent Events. */
export const RealtimeFrame = z.object({
  id: z.string(),
  type: z.enum(['hello', 'notification', 'delivery', 'permissions.changed', 'session.ended']),
  at: z.int().meta({ description: 'Unix seconds' }),
  data: z.record(z.string(), z.unknown()).meta({
    description:
      'hello: connection_id, heartbeat_ms; notification: a message of the inbox; delivery: what became of a message; permissions.changed: what changed; session.ended: reason',
  }),
});

/** A message of the inbox as its reader gets it. */
export const Notification = z.object({
  id: z.string(),
  category: z.enum(CATEGORIES),
  title: z.string(),
  text: z.string(),
  url: z.string().optional(),
  created_at: z.int().meta({ description: 'Unix seconds' }),
  read: z.boolean(),
});

export const toNotification = (id: string, record: InboxRecord): z.input<typeof Notification> => {
  const { category, title, text, url, created_at, read_at } = record;
  const message = { id, category, title, text, url, created_at: Math.floor(created_at / 1000) };
  return { ...message, read: read_at !== undefined };
};

/** The frame that tells of a message of the inbox. Its id is the message's, however often it is told. */
export const notificationFrame = (id: string, record: InboxRecord): Frame => ({
  id,
  type: 'notification',
  at: Math.floor(record.created_at / 1000),
  data: toNotification(id, record),
});

/** What became of a message on a channel, as data of the event that tells it. @param at unix ms */
export const deliveryFrame = (
  user_id: string,
  { id, channel, status, reason }: { id: string; channel: Channel } & Pick<DeliveryRecord, 'status' | 'reason'>,
  at: number,
) => ({
  user_id,
  frame_id: `${id}.${channel}.${status}`,
  type: 'delivery' as const,
  at: Math.floor(at / 1_000),
  data: { id, channel, status, ...(reason && { reason }) },
});
