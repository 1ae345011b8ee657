import * as z from 'zod';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { operation } from '../../shared/operation.ts';
import { securityAlert } from '../auth/events.ts';
import { getContact } from '../users/get-contact.ts';
import { contactOf } from './contact.ts';
import { deliverMail, MAIL_PORTS } from './deliver-mail.ts';
import { SECURITY_EVENTS } from './queues.ts';
import { deliveries } from './records.ts';

/** Tells the owner of an account what happened to it and what to do. */
export const onSecurityAlert = operation({
  name: 'notifications.on-security-alert',
  summary: 'Mails a security alert to the owner of the account',
  subscription: { ...SECURITY_EVENTS, types: [securityAlert.type] },
  access: 'service',
  input: envelopeOf(securityAlert),
  output: z.object({}),
  writes: [deliveries],
  needs: MAIL_PORTS,
  calls: { getContact },
  run: async ({ getContact, ...given }, { message_id, timestamp, data }) => {
    const { user_id, alert_type, severity, description, ip_address, recommended_actions } = data;
    const contact = await contactOf(getContact, user_id);
    await deliverMail(given, {
      message_id,
      user_id,
      recipient: contact?.email,
      template_name: 'security_alert',
      template_data: {
        first_name: contact?.first_name,
        locale: contact?.locale,
        alert_type,
        severity,
        description,
        at: timestamp,
        ip_address,
        recommended_actions,
      },
    });
    return {};
  },
});
