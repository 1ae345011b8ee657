import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { once } from '../../shared/messaging/inbox.ts';
import { userPasswordChanged } from '../users/events.ts';
import { askFor, SENDS } from './ask.ts';
import { deliverMail, MAIL_PORTS, MAIL_WRITES } from './deliver-mail.ts';
import { USER_EVENTS } from './queues.ts';

/** Tells the owner of an account that its password is another one now. */
export const onUserPasswordChanged = operation({
  name: 'notifications.on-user-password-changed',
  summary: 'Mails that a password was changed',
  subscription: { ...USER_EVENTS, types: [userPasswordChanged.type] },
  access: 'service',
  input: envelopeOf(userPasswordChanged),
  output: z.object({}),
  emits: SENDS,
  writes: MAIL_WRITES,
  needs: MAIL_PORTS,
  run: async (given, { message_id: id, timestamp, data }, context) => {
    const { user_id, email: recipient, how, ip_address, locale } = data;
    const message = {
      id,
      user_id,
      template_name: 'password_changed',
      template_data: { how, at: timestamp, ip_address, locale },
    };
    const ask = { ...message, category: 'security', priority: 'normal' } as const;
    const { writes, events } = askFor(ask, { realtime: user_id }, given.clock.now());
    await once(given.store, writes[0]!, writes.slice(1), events);
    await deliverMail(given, { ...message, recipient }, context);
    return {};
  },
});
