import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { once } from '../../shared/messaging/inbox.ts';
import { insert } from '../../shared/ports/store.ts';
import { userLogin } from '../auth/events.ts';
import { RISKY } from '../sessions/risk.ts';
import { getContact } from '../users/get-contact.ts';
import { askFor, SENDS } from './ask.ts';
import { contactOf } from './contact.ts';
import { deliverMail, MAIL_PORTS, MAIL_WRITES } from './deliver-mail.ts';
import { deliveryId } from './model.ts';
import { USER_EVENTS } from './queues.ts';
import { deliveries, loginAlerts } from './records.ts';

/** False for a login of which its user is not told, or told otherwise. */
const isTold = ({ user_id, login_successful, risk_score = 0, alerted }: Record<string, unknown>): boolean =>
  user_id !== '' && (login_successful !== true || (Number(risk_score) > RISKY && alerted !== true));

/**
 * Tells the owner of an account that a login failed, or succeeded and looked risky. Of failed ones it tells the first in
 * a window: who guesses passwords must not fill the owner's mailbox.
 */
export const onRiskyLogin = operation({
  name: 'notifications.on-risky-login',
  summary: 'Mails that a login failed or looked risky',
  subscription: { ...USER_EVENTS, types: [userLogin.type], wants: isTold },
  access: 'service',
  input: envelopeOf(userLogin),
  output: z.object({}),
  emits: SENDS,
  reads: [loginAlerts],
  writes: [...MAIL_WRITES, loginAlerts],
  needs: MAIL_PORTS,
  calls: { getContact },
  run: async ({ getContact, ...given }, { message_id: id, timestamp: at, data }, context) => {
    const { user_id, login_successful, ip_address, user_agent } = data;
    if (!isTold(data)) return {};
    const contact = await contactOf(getContact, user_id);
    // an address that nobody confirmed may be a stranger's
    if (!contact?.verified) return {};
    const { store, clock, settings } = given;
    const { first_name, locale, email: recipient } = contact;
    const template_data = { first_name, locale, failed: !login_successful, at, ip_address, user_agent };
    const message = { id, user_id, template_name: 'login_alert', template_data };
    const ask = { ...message, category: 'security', priority: 'high' } as const;
    const now = clock.now();
    const others = login_successful ? { realtime: user_id, push: user_id } : { realtime: user_id };
    const { writes, events } = askFor(ask, others, now);
    // it may come again when its window is over: what was told of it then stands in the ledger
    const told = await store.get(deliveries, deliveryId(id, 'realtime'));
    if (told || login_successful) await once(store, writes[0]!, writes.slice(1), events);
    else {
      const expires_at = now + settings.login_window * 1000;
      const first = insert(loginAlerts, user_id, { message_id: id }, { expires_at });
      const isFirst = await once(store, first, writes, events);
      if (!isFirst && (await store.get(loginAlerts, user_id))?.value.message_id !== id) return {};
    }
    await deliverMail(given, { ...message, recipient }, context);
    return {};
  },
});
