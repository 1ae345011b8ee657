import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { once } from '../../shared/messaging/inbox.ts';
import { securityAlert } from '../auth/events.ts';
import { getContact } from '../users/get-contact.ts';
import { askFor, SENDS } from './ask.ts';
import { contactOf } from './contact.ts';
import { deliverMail, MAIL_PORTS, MAIL_WRITES } from './deliver-mail.ts';
import { SECURITY_EVENTS } from './queues.ts';

/** How urgent the messages beside the mail are. */
const PRIORITY = { low: 'low', medium: 'normal', high: 'high', critical: 'urgent' } as const;

/** Tells the owner of an account what happened to it and what to do: by mail, and where it is grave in all ways at once. */
export const onSecurityAlert = operation({
  name: 'notifications.on-security-alert',
  summary: 'Tells the owner of an account of a security alert',
  subscription: { ...SECURITY_EVENTS, types: [securityAlert.type] },
  access: 'service',
  input: envelopeOf(securityAlert),
  output: z.object({}),
  emits: SENDS,
  writes: MAIL_WRITES,
  needs: MAIL_PORTS,
  calls: { getContact },
  run: async ({ getContact, ...given }, { message_id: id, timestamp: at, data }, context) => {
    const { user_id, alert_type, severity, description, ip_address, recommended_actions } = data;
    const contact = await contactOf(getContact, user_id);
    const { first_name, locale, phone_number } = contact ?? {};
    const told = { first_name, locale, alert_type, severity, description, at, ip_address, recommended_actions };
    const message = { id, user_id, template_name: 'security_alert', template_data: told };
    if (contact) {
      const grave = severity === 'high' || severity === 'critical';
      const ask = { ...message, category: 'security', priority: PRIORITY[severity] } as const;
      const others = grave ? { realtime: user_id, push: user_id, sms: phone_number } : { realtime: user_id };
      const { writes, events } = askFor(ask, others, given.clock.now());
      await once(given.store, writes[0]!, writes.slice(1), events);
    }
    await deliverMail(given, { ...message, recipient: contact?.email }, context);
    return {};
  },
});
