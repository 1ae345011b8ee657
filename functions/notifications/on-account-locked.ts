import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { once } from '../../shared/messaging/inbox.ts';
import { accountLocked } from '../auth/events.ts';
import { getContact } from '../users/get-contact.ts';
import { askFor, SENDS } from './ask.ts';
import { contactOf } from './contact.ts';
import { deliverMail, MAIL_PORTS, MAIL_WRITES } from './deliver-mail.ts';
import { SECURITY_EVENTS } from './queues.ts';

/** Tells the owner that logins are paused, even when the pause is over by now: somebody tried. */
export const onAccountLocked = operation({
  name: 'notifications.on-account-locked',
  summary: 'Mails that logins to an account are paused',
  subscription: { ...SECURITY_EVENTS, types: [accountLocked.type] },
  access: 'service',
  input: envelopeOf(accountLocked),
  output: z.object({}),
  emits: SENDS,
  writes: MAIL_WRITES,
  needs: MAIL_PORTS,
  calls: { getContact },
  run: async ({ getContact, ...given }, { message_id: id, data }, context) => {
    const { user_id, failed_attempts, locked_until, ip_address } = data;
    const contact = await contactOf(getContact, user_id);
    // an address that nobody confirmed may be a stranger's
    if (!contact?.verified) return {};
    const { first_name, locale, email: recipient } = contact;
    const template_data = { first_name, locale, failed_attempts, locked_until, ip_address };
    const message = { id, user_id, template_name: 'account_locked', template_data };
    const ask = { ...message, category: 'security', priority: 'high' } as const;
    const { writes, events } = askFor(ask, { realtime: user_id }, given.clock.now());
    await once(given.store, writes[0]!, writes.slice(1), events);
    await deliverMail(given, { ...message, recipient }, context);
    return {};
  },
});
