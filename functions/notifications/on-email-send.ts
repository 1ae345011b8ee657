import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { defer } from './defer.ts';
import { DELIVERY_EMITS, tellConnections } from './deliver.ts';
import { deliverMail, MAIL_PORTS, MAIL_WRITES } from './deliver-mail.ts';
import { emailSend } from './events.ts';
import { isTaken } from './mark.ts';
import { isWanted } from './preferences.ts';
import { NOTIFICATION_REQUESTS } from './queues.ts';
import { inbox, preferences } from './records.ts';

/** Sends the mail that another service asked for; one that is due later becomes an event of that time. */
export const onEmailSend = operation({
  name: 'notifications.on-email-send',
  summary: 'Sends a mail from a template',
  subscription: { ...NOTIFICATION_REQUESTS, types: [emailSend.type] },
  access: 'service',
  input: envelopeOf(emailSend),
  output: z.object({}),
  emits: [emailSend, ...DELIVERY_EMITS],
  reads: [preferences, inbox],
  writes: MAIL_WRITES,
  needs: MAIL_PORTS,
  run: async (given, { message_id, user_id, data }, context) => {
    const { notification_id: id = message_id, category, send_at, priority: _, unless_taken, ...mail } = data;
    const message = { id, user_id, channel: 'email', template_name: mail.template_name } as const;
    const later = (delay_ms: number) => emailSend.with({ ...data, notification_id: id }, { user_id, delay_ms });
    if (await defer(given, message, { message_id, send_at }, later)) return {};
    const wanted = await isWanted(given.store, { user_id, category, channel: 'email' });
    const taken = unless_taken && (await isTaken(given.store, id, user_id));
    await deliverMail(given, { id, user_id, wanted, taken, ...mail }, context, tellConnections);
    return {};
  },
});
