import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { insert } from '../../shared/ports/store.ts';
import { defer } from './defer.ts';
import { deliver } from './deliver.ts';
import { realtimeFrame, realtimeSend } from './events.ts';
import { notificationFrame } from './frames.ts';
import { isWanted } from './preferences.ts';
import { NOTIFICATION_REQUESTS } from './queues.ts';
import { DELIVERY_TTL_MS, deliveries, inbox, preferences } from './records.ts';

/** Puts the message that a service asked for into the inbox of a user. */
export const onRealtimeSend = operation({
  name: 'notifications.on-realtime-send',
  summary: 'Puts a message into the inbox of a user',
  subscription: { ...NOTIFICATION_REQUESTS, types: [realtimeSend.type] },
  access: 'service',
  input: envelopeOf(realtimeSend),
  output: z.object({}),
  emits: [realtimeSend, realtimeFrame],
  reads: [preferences, inbox],
  writes: [deliveries, inbox],
  needs: ['clock', 'log', 'metrics'],
  run: async (given, { message_id, data }, context) => {
    const { notification_id: id = message_id, category, send_at, recipient: user_id, template_name } = data;
    const { template_data, expires_at } = data;
    const { store, clock } = given;
    const message = { id, user_id, channel: 'realtime', template_name, template_data, expires_at } as const;
    const later = (delay_ms: number) => realtimeSend.with({ ...data, notification_id: id }, { user_id, delay_ms });
    if (await defer(given, message, { message_id, send_at }, later)) return {};
    await deliver(given, message, context, async () => {
      if (!(await isWanted(store, { user_id, category, channel: 'realtime' }))) return 'preference';
      const { renderShort, templateOf } = await import('../../shared/delivery/templates/index.heavy.ts');
      // an inbox is read again and again: what works once does not belong there
      if (templateOf(template_name).token) throw new AppError('invalid_request', { detail: 'A token is not kept' });
      const short = renderShort(template_name, template_data);
      return async (tried) => {
        const created_at = clock.now();
        const record = { user_id, category: category ?? 'account', ...short, created_at } as const;
        const written = await store.get(inbox, id);
        if (!written) {
          // told when it is there: who comes back a moment later finds what he missed
          const { id: frame_id, type, ...shown } = notificationFrame(id, record);
          await store.transact(
            [insert(inbox, id, record, { expires_at: created_at + DELIVERY_TTL_MS })],
            [realtimeFrame.with({ user_id, frame_id, type: 'notification', ...shown }, { user_id })],
          );
        }
        tried({ provider: 'inbox', outcome: 'sent' });
      };
    });
    return {};
  },
});
