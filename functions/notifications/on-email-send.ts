import * as z from 'zod';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { once } from '../../shared/messaging/inbox.ts';
import { operation } from '../../shared/operation.ts';
import { insert } from '../../shared/ports/store.ts';
import { deliverMail, MAIL_PORTS } from './deliver-mail.ts';
import { emailSend } from './events.ts';
import { NOTIFICATION_REQUESTS } from './queues.ts';
import { DELIVERY_TTL_MS, deliveries } from './records.ts';

/** Sends the mail that another service asked for; one that is due later becomes an event of that time. */
export const onEmailSend = operation({
  name: 'notifications.on-email-send',
  summary: 'Sends a mail from a template',
  subscription: { ...NOTIFICATION_REQUESTS, types: [emailSend.type] },
  access: 'service',
  input: envelopeOf(emailSend),
  output: z.object({}),
  emits: [emailSend],
  writes: [deliveries],
  needs: MAIL_PORTS,
  run: async (given, { message_id, user_id, data }) => {
    const { send_at, priority: _, ...mail } = data;
    const now = given.clock.now();
    const delay_ms = send_at === undefined ? 0 : Date.parse(send_at) - now;
    if (delay_ms <= 0) {
      await deliverMail(given, { message_id, user_id, ...mail });
      return {};
    }
    const deferred = {
      channel: 'email' as const,
      template: mail.template_name,
      ...(user_id && { user_id }),
      status: 'deferred' as const,
      created_at: now,
      updated_at: now,
      attempts: [],
    };
    const expires_at = now + delay_ms + DELIVERY_TTL_MS;
    const later = emailSend.with(data, { user_id, delay_ms });
    await once(given.store, insert(deliveries, message_id, deferred, { expires_at }), [], [later]);
    return {};
  },
});
