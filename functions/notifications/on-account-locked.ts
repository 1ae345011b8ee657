import * as z from 'zod';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { operation } from '../../shared/operation.ts';
import { accountLocked } from '../auth/events.ts';
import { getContact } from '../users/get-contact.ts';
import { contactOf } from './contact.ts';
import { deliverMail, MAIL_PORTS } from './deliver-mail.ts';
import { SECURITY_EVENTS } from './queues.ts';
import { deliveries } from './records.ts';

/** Tells the owner that logins are paused, even when the pause is over by now: somebody tried. */
export const onAccountLocked = operation({
  name: 'notifications.on-account-locked',
  summary: 'Mails that logins to an account are paused',
  subscription: { ...SECURITY_EVENTS, types: [accountLocked.type] },
  access: 'service',
  input: envelopeOf(accountLocked),
  output: z.object({}),
  writes: [deliveries],
  needs: MAIL_PORTS,
  calls: { getContact },
  run: async ({ getContact, ...given }, { message_id, data }) => {
    const { user_id, failed_attempts, locked_until, ip_address } = data;
    const contact = await contactOf(getContact, user_id);
    await deliverMail(given, {
      message_id,
      user_id,
      recipient: contact?.email,
      template_name: 'account_locked',
      template_data: {
        first_name: contact?.first_name,
        locale: contact?.locale,
        failed_attempts,
        locked_until,
        ip_address,
      },
    });
    return {};
  },
});
