/** Events that ask for a message to somebody. */
import * as z from 'zod';
import { eventType } from '../../shared/kit/event.ts';
import { Moment } from '../../shared/kit/moment.ts';
import { CATEGORIES } from './model.ts';

export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const;
const PRIORITY = { low: 1, normal: 4, high: 7, urgent: 9 } as const;

/** A message that is tried again must not hold back a code for the same user. */
const ordered = false;

/** What is common to all channels. */
const about = {
  /** What the ledger knows it by, the same on all channels; the event's own id when left out. */
  notification_id: z.string().min(1).max(128).optional(),
  /** What it is about: a user may have switched that off on this channel. It always goes when left out. */
  category: z.enum(CATEGORIES).optional(),
  /** ISO 8601: not sent any more after that. */
  expires_at: Moment.optional(),
};

/** Only where the message of the same id in the inbox was neither acknowledged by a device nor read by then. */
const unless_taken = z.boolean().optional();

/**
 * Send a mail from a template. Tokens in `template_data` are sealed for the purpose that the template names; its
 * `locale` chooses the language; past its `expires_at` (ISO 8601) the mail is not sent any more. An empty subject
 * means the template's own, in the reader's language.
 */
export const emailSend = eventType({
  type: 'notification.email.send',
  key: 'notification.email.send',
  data: z.strictObject({
    recipient: z.string().min(3).max(320),
    template_name: z.string().min(1).max(64),
    subject: z.string().max(200),
    template_data: z.record(z.string(), z.unknown()),
    priority: z.enum(PRIORITIES).default('normal'),
    /** ISO 8601; at once when left out. */
    send_at: Moment.optional(),
    unless_taken,
    ...about,
  }),
  priority: ({ priority }) => PRIORITY[priority],
  ordered,
});

const request = {
  template_name: z.string().min(1).max(64),
  template_data: z.record(z.string(), z.unknown()),
  priority: z.enum(PRIORITIES).default('normal'),
  /** ISO 8601; at once when left out. */
  send_at: Moment.optional(),
  ...about,
};

/** Send a text message from a template; `template_data` as in a mail's. The recipient is a number in E.164 form. */
export const smsSend = eventType({
  type: 'notification.sms.send',
  key: 'notification.sms.send',
  data: z.strictObject({ recipient: z.string().regex(/^\+[1-9]\d{6,14}$/), ...request }),
  priority: ({ priority }) => PRIORITY[priority],
  ordered,
});

/** Send a push message from a template to all devices of a user; `template_data` as in a mail's. */
export const pushSend = eventType({
  type: 'notification.push.send',
  key: 'notification.push.send',
  data: z.strictObject({
    /** The user's id. */
    recipient: z.string().min(1).max(128),
    unless_taken,
    ...request,
  }),
  priority: ({ priority }) => PRIORITY[priority],
  ordered,
});

/** What a user's open connections are told: it reaches those that are there, and nobody waits for it. */
export const realtimeFrame = eventType({
  type: 'realtime.frame',
  key: 'realtime.events.frame',
  data: z.strictObject({
    user_id: z.string(),
    frame_id: z.string(),
    type: z.enum(['notification', 'delivery']),
    /** Unix seconds. */
    at: z.int(),
    data: z.record(z.string(), z.unknown()),
  }),
  priority: () => PRIORITY.high,
});

/** A connection that API Gateway holds was opened, or is over by now: for who greets and closes it. */
export const realtimeConnection = eventType({
  type: 'realtime.connection',
  key: 'realtime.connections.changed',
  data: z.strictObject({
    user_id: z.string(),
    connection_id: z.string(),
    state: z.enum(['opened', 'over']),
  }),
  priority: () => PRIORITY.high,
  ordered,
});

/** Put a message from a template into the inbox of a user; `template_data` as in a mail's. */
export const realtimeSend = eventType({
  type: 'notification.realtime.send',
  key: 'notification.realtime.send',
  data: z.strictObject({
    /** The user's id. */
    recipient: z.string().min(1).max(128),
    ...request,
  }),
  priority: ({ priority }) => PRIORITY[priority],
  ordered,
});
