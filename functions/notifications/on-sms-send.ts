import { createHash } from 'node:crypto';
import * as z from 'zod';
import { renderShort } from '../../shared/delivery/templates/index.ts';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { defer } from './defer.ts';
import { deliver } from './deliver.ts';
import { smsSend } from './events.ts';
import { openedToken } from './opened-token.ts';
import { isWanted } from './preferences.ts';
import { NOTIFICATION_REQUESTS } from './queues.ts';
import { deliveries, preferences, smsCounts } from './records.ts';

const DAY_MS = 86_400_000;
/** Text messages to one number a day: they cost money, and nobody wants more. */
export const SMS_A_DAY = 20;

/** One number on one day, without the number. */
const counterId = (to: string, now: number): string =>
  createHash('sha256')
    .update(`${to} ${Math.floor(now / DAY_MS)}`)
    .digest('base64url');

/** Sends the text message that a service asked for; one that is due later becomes an event of that time. */
export const onSmsSend = operation({
  name: 'notifications.on-sms-send',
  summary: 'Sends a text message from a template',
  subscription: { ...NOTIFICATION_REQUESTS, types: [smsSend.type] },
  access: 'service',
  input: envelopeOf(smsSend),
  output: z.object({}),
  emits: [smsSend],
  reads: [preferences],
  writes: [deliveries, smsCounts],
  needs: ['clock', 'sms', 'sealer', 'settings'],
  run: async (given, { message_id, user_id, data }, context) => {
    const { notification_id: id = message_id, category, send_at, recipient, template_name, template_data } = data;
    const { store, clock, sms } = given;
    const message = { id, user_id, channel: 'sms', template_name, template_data, expires_at: data.expires_at } as const;
    const later = (delay_ms: number) => smsSend.with({ ...data, notification_id: id }, { user_id, delay_ms });
    if (await defer(given, message, { message_id, send_at }, later)) return {};
    await deliver(given, message, context, async (earlier) => {
      if (!(await isWanted(store, { user_id, category, channel: 'sms' }))) return 'preference';
      const { text, url } = renderShort(template_name, template_data, openedToken(given, data));
      if (!earlier?.rounds) {
        const now = clock.now();
        const expires_at = now + 2 * DAY_MS;
        const count = await store.increment(smsCounts, counterId(recipient, now), { expires_at });
        if (count > SMS_A_DAY) return 'too_many';
      }
      const sent = { to: recipient, text: url ? `${text} ${url}` : text, message_id: id };
      return (tried, expires_at) => sms.send({ ...sent, expires_at }, tried);
    });
    return {};
  },
});
