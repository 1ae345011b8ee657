import * as z from 'zod';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { operation } from '../../shared/operation.ts';
import { userPasswordChanged } from '../users/events.ts';
import { deliverMail, MAIL_PORTS } from './deliver-mail.ts';
import { USER_EVENTS } from './queues.ts';
import { deliveries } from './records.ts';

/** Tells the owner of an account that its password is another one now. */
export const onUserPasswordChanged = operation({
  name: 'notifications.on-user-password-changed',
  summary: 'Mails that a password was changed',
  subscription: { ...USER_EVENTS, types: [userPasswordChanged.type] },
  access: 'service',
  input: envelopeOf(userPasswordChanged),
  output: z.object({}),
  writes: [deliveries],
  needs: MAIL_PORTS,
  run: async (given, { message_id, timestamp, data }) => {
    await deliverMail(given, {
      message_id,
      user_id: data.user_id,
      recipient: data.email,
      template_name: 'password_changed',
      template_data: { how: data.how, at: timestamp, ip_address: data.ip_address, locale: data.locale },
    });
    return {};
  },
});
