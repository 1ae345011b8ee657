import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { userRegistered } from '../users/events.ts';
import { deliverMail, MAIL_PORTS, MAIL_WRITES } from './deliver-mail.ts';
import { USER_EVENTS } from './queues.ts';

/** Asks the owner of a new address to confirm it. A link that has expired by now is not sent. */
export const onUserRegistered = operation({
  name: 'notifications.on-user-registered',
  summary: 'Mails the link that verifies a new address',
  subscription: { ...USER_EVENTS, types: [userRegistered.type] },
  access: 'service',
  input: envelopeOf(userRegistered),
  output: z.object({}),
  writes: MAIL_WRITES,
  needs: MAIL_PORTS,
  run: async (given, { message_id, timestamp, data }, context) => {
    const expires_at = new Date(Date.parse(timestamp) + given.settings.verification_ttl * 1000).toISOString();
    const request = {
      id: message_id,
      user_id: data.user_id,
      recipient: data.email,
      template_name: 'verify_email',
      template_data: {
        token: data.verification_token,
        first_name: data.first_name,
        locale: data.locale,
        expires_at,
        username_taken: data.username_taken !== undefined,
      },
    };
    await deliverMail(given, request, context);
    return {};
  },
});
