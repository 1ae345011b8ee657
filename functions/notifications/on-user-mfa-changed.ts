import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { once } from '../../shared/messaging/inbox.ts';
import { userMfaDisabled, userMfaEnabled } from '../auth/events.ts';
import { askFor, SENDS } from './ask.ts';
import { deliverMail, MAIL_PORTS, MAIL_WRITES } from './deliver-mail.ts';
import { USER_EVENTS } from './queues.ts';

/** Tells the owner of an account that it has a second factor now, or none any more. */
export const onUserMfaChanged = operation({
  name: 'notifications.on-user-mfa-changed',
  summary: 'Mails that a second factor was set up or removed',
  subscription: { ...USER_EVENTS, types: [userMfaEnabled.type, userMfaDisabled.type] },
  access: 'service',
  input: z.union([envelopeOf(userMfaEnabled), envelopeOf(userMfaDisabled)]),
  output: z.object({}),
  emits: SENDS,
  writes: MAIL_WRITES,
  needs: MAIL_PORTS,
  run: async (given, { message_id: id, message_type, timestamp, data }, context) => {
    const { user_id, email: recipient, ip_address, locale } = data;
    const enabled = message_type === userMfaEnabled.type;
    const message = {
      id,
      user_id,
      template_name: 'mfa_changed',
      template_data: { enabled, at: timestamp, ip_address, locale },
    };
    const ask = { ...message, category: 'security', priority: enabled ? 'normal' : 'high' } as const;
    const { writes, events } = askFor(ask, { realtime: user_id }, given.clock.now());
    await once(given.store, writes[0]!, writes.slice(1), events);
    await deliverMail(given, { ...message, recipient }, context);
    return {};
  },
});
