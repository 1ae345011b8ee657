import * as z from 'zod';
import { type AppError, ERRORS, toAppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { remove } from '../../shared/ports/store.ts';
import { defer } from './defer.ts';
import { DELIVERY_EMITS, deliver, tellConnections } from './deliver.ts';
import { pushSend } from './events.ts';
import { isTaken } from './mark.ts';
import { MAX_DEVICES } from './model.ts';
import { openedToken } from './opened-token.ts';
import { isWanted } from './preferences.ts';
import { NOTIFICATION_REQUESTS } from './queues.ts';
import { deliveries, devices, inbox, preferences } from './records.ts';

const URGENCY = { low: 'low', normal: 'normal', high: 'high', urgent: 'high' } as const;
/** Seconds that a message waits for a device that is off, unless it expires before. */
const TTL = 86_400;

/** Of several failures the one by which the message is tried again, if there is one. */
const worst = (failures: readonly AppError[]): AppError | undefined =>
  failures.find(({ code }) => ERRORS[code].retry) ?? failures[0];

/** Pushes the message that a service asked for to all devices of a user; those that are gone are forgotten. */
export const onPushSend = operation({
  name: 'notifications.on-push-send',
  summary: 'Sends a push message from a template',
  subscription: { ...NOTIFICATION_REQUESTS, types: [pushSend.type] },
  access: 'service',
  input: envelopeOf(pushSend),
  output: z.object({}),
  emits: [pushSend, ...DELIVERY_EMITS],
  reads: [preferences, devices, inbox],
  queries: ['devices.by_user'],
  writes: [deliveries, devices],
  needs: ['clock', 'log', 'metrics', 'push', 'sealer', 'settings'],
  run: async (given, { message_id, data }, context) => {
    const { notification_id: id = message_id, category, send_at, recipient: user_id, template_name } = data;
    const { template_data, expires_at, priority } = data;
    const { store, clock, push } = given;
    const message = { id, user_id, channel: 'push', template_name, template_data, expires_at } as const;
    const later = (delay_ms: number) => pushSend.with({ ...data, notification_id: id }, { user_id, delay_ms });
    if (await defer(given, message, { message_id, send_at }, later)) return {};
    await deliver(
      given,
      message,
      context,
      async (earlier) => {
        if (data.unless_taken && (await isTaken(store, id, user_id))) return 'taken';
        if (!(await isWanted(store, { user_id, category, channel: 'push' }))) return 'preference';
        const { items } = await store.query(devices, 'by_user', user_id, { limit: MAX_DEVICES, order: 'desc' });
        const reached = new Set(earlier?.attempts.flatMap((each) => (each.outcome === 'sent' ? each.device_id : [])));
        const wanting = items.filter(({ id: device_id }) => !reached.has(device_id));
        if (items.length === 0) return 'no_device';
        const { renderShort } = await import('../../shared/delivery/templates/index.heavy.ts');
        const short = renderShort(template_name, template_data, await openedToken(given, data));
        return async (tried, ends_at) => {
          const left = ends_at === undefined ? TTL : Math.ceil((ends_at - clock.now()) / 1000);
          const ttl = Math.min(TTL, Math.max(0, left));
          const failures: AppError[] = [];
          const one = async (device: (typeof wanting)[number]): Promise<void> => {
            const { target } = device.value;
            const sent = { ...short, target, ttl, urgency: URGENCY[priority], message_id: id, expires_at: ends_at };
            try {
              await push.send(sent, (each) => tried({ ...each, device_id: device.id }));
            } catch (thrown) {
              const error = toAppError(thrown);
              failures.push(error);
              // one that was registered again meanwhile stays
              if (error.code === 'not_found') await store.transact([remove(devices, device)]).catch(() => {});
            }
          };
          await Promise.all(wanting.map(one));
          const error = worst(failures);
          // one device that took it is enough, unless another may take it later
          const isDone = failures.length < items.length && !failures.some(({ code }) => ERRORS[code].retry);
          if (error && !isDone) throw error;
        };
      },
      tellConnections,
    );
    return {};
  },
});
