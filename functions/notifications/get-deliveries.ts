import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { CHANNELS, deliveryId } from './model.ts';
import { deliveries } from './records.ts';

const seconds = (ms: number): number => Math.floor(ms / 1000);

const Delivery = z.object({
  channel: z.enum(CHANNELS),
  status: z.enum(['queued', 'deferred', 'sending', 'retrying', 'sent', 'failed', 'expired', 'suppressed']),
  reason: z
    .enum(['preference', 'no_recipient', 'no_device', 'no_provider', 'too_many', 'taken', 'refused', 'gave_up'])
    .optional(),
  template_name: z.string(),
  created_at: z.int(),
  updated_at: z.int(),
  attempts: z.array(
    z.object({
      at: z.int(),
      provider: z.string().optional(),
      outcome: z.enum(['sent', 'unavailable', 'refused', 'gone']).optional(),
      answer: z.string().optional(),
      device_id: z.string().optional(),
    }),
  ),
});

/** What became of a message on each of its channels, with every try. Times are unix seconds. */
export const getDeliveries = operation({
  name: 'notifications.get-deliveries',
  summary: 'Shows what became of a message, try by try',
  http: { method: 'GET', path: '/api/v1/notifications/deliveries/{id}' },
  access: 'service',
  input: z.strictObject({ id: z.string().min(1).max(128) }),
  output: z.object({ id: z.string(), deliveries: z.array(Delivery) }),
  errors: ['not_found'],
  reads: [deliveries],
  run: async ({ store }, { id }) => {
    const keys = CHANNELS.map((channel) => deliveryId(id, channel));
    const found = await store.getMany(deliveries, keys);
    if (found.size === 0) throw new AppError('not_found', { detail: 'No message has this id' });
    return {
      id,
      deliveries: keys.flatMap((key) => {
        const record = found.get(key)?.value;
        if (!record) return [];
        const { channel, status, reason, template: template_name } = record;
        const attempts = record.attempts.map((attempt) => ({ ...attempt, at: seconds(attempt.at) }));
        const times = { created_at: seconds(record.created_at), updated_at: seconds(record.updated_at) };
        return [{ channel, status, reason, template_name, ...times, attempts }];
      }),
    };
  },
});
