import * as z from 'zod';
import { counterKey } from '../../shared/kit/counter-key.ts';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { defer } from './defer.ts';
import { DELIVERY_EMITS, deliver, tellConnections } from './deliver.ts';
import { smsSend } from './events.ts';
import { mayGo, SMS_A_DAY } from './message-bounds.ts';
import { openedToken } from './opened-token.ts';
import { isWanted } from './preferences.ts';
import { NOTIFICATION_REQUESTS } from './queues.ts';
import { deliveries, messageCounts, preferences, smsCounts } from './records.ts';

const DAY_MS = 86_400_000;

/** Sends the text message that a service asked for; one that is due later becomes an event of that time. */
export const onSmsSend = operation({
  name: 'notifications.on-sms-send',
  summary: 'Sends a text message from a template',
  subscription: { ...NOTIFICATION_REQUESTS, types: [smsSend.type] },
  access: 'service',
  input: envelopeOf(smsSend),
  output: z.object({}),
  emits: [smsSend, ...DELIVERY_EMITS],
  reads: [preferences],
  writes: [deliveries, messageCounts, smsCounts],
  needs: ['clock', 'log', 'metrics', 'sms', 'sealer', 'secrets', 'settings'],
  run: async (given, { message_id, user_id, data }, context) => {
    const { notification_id: id = message_id, category, send_at, recipient, template_name, template_data } = data;
    const { store, clock, sms, secrets, settings } = given;
    const message = { id, user_id, channel: 'sms', template_name, template_data, expires_at: data.expires_at } as const;
    const later = (delay_ms: number) => smsSend.with({ ...data, notification_id: id }, { user_id, delay_ms });
    if (await defer(given, message, { message_id, send_at }, later)) return {};
    await deliver(
      given,
      message,
      context,
      async (earlier) => {
        if (!(await isWanted(store, { user_id, category, channel: 'sms' }))) return 'preference';
        const { renderShort } = await import('../../shared/delivery/templates/index.heavy.ts');
        const { text, url } = renderShort(template_name, template_data, await openedToken(given, data));
        if (!earlier?.rounds) {
          const now = clock.now();
          const expires_at = now + 2 * DAY_MS;
          const today = counterKey(secrets, recipient, String(Math.floor(now / DAY_MS)));
          if (!(await mayGo(given, 'sms', { recipient, user_id, template_name }))) return 'too_many';
          const count = await store.increment(smsCounts, today, { expires_at });
          if (count > SMS_A_DAY * settings.rate_limits) return 'too_many';
        }
        const sent = { to: recipient, text: url ? `${text} ${url}` : text, message_id: id };
        return (tried, expires_at) => sms.send({ ...sent, expires_at }, tried);
      },
      tellConnections,
    );
    return {};
  },
});
