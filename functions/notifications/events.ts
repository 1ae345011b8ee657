/** Events that ask for a message to somebody. */
import * as z from 'zod';
import { eventType } from '../../shared/messaging/event.ts';

export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const;
const PRIORITY = { low: 1, normal: 4, high: 7, urgent: 9 } as const;

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
    send_at: z.iso.datetime({ offset: true }).optional(),
  }),
  priority: ({ priority }) => PRIORITY[priority],
});

const request = {
  template_name: z.string().min(1).max(64),
  template_data: z.record(z.string(), z.unknown()),
  priority: z.enum(PRIORITIES).default('normal'),
  /** ISO 8601; at once when left out. */
  send_at: z.iso.datetime({ offset: true }).optional(),
};

/** Send a text message from a template; `template_data` as in a mail's. The recipient is a number in E.164 form. */
export const smsSend = eventType({
  type: 'notification.sms.send',
  key: 'notification.sms.send',
  data: z.strictObject({ recipient: z.string().regex(/^\+[1-9]\d{6,14}$/), ...request }),
  priority: ({ priority }) => PRIORITY[priority],
});

/** Send a push message from a template to all devices of a user; `template_data` as in a mail's. */
export const pushSend = eventType({
  type: 'notification.push.send',
  key: 'notification.push.send',
  data: z.strictObject({
    /** The user's id. */
    recipient: z.string().min(1).max(128),
    ...request,
  }),
  priority: ({ priority }) => PRIORITY[priority],
});
