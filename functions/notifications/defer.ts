/** What is due later becomes an event of that time: the same request, under the same id. */
import type { NewEvent } from '../../shared/kit/event.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { insert, update } from '../../shared/ports/store.ts';
import { type Message, newDelivery } from './deliver.ts';
import { deliveryId } from './model.ts';
import { DELIVERY_TTL_MS, deliveries } from './records.ts';

/**
 * Defers a message that is due later, once for each event that asks for it. False when it is due now.
 *
 * @param later makes the event of that time
 */
export const defer = async <E extends string>(
  { store, clock }: Pick<Ports, 'clock'> & { store: Pick<OperationStore<never, 'deliveries', E>, 'get' | 'transact'> },
  message: Omit<Message, 'template_data'>,
  { message_id, send_at }: { message_id: string; send_at: string | undefined },
  later: (delay_ms: number) => NewEvent<E>,
): Promise<boolean> => {
  const now = clock.now();
  const delay_ms = send_at === undefined ? 0 : Date.parse(send_at) - now;
  if (delay_ms <= 0) return false;
  const key = deliveryId(message.id, message.channel);
  const earlier = await store.get(deliveries, key);
  const before = earlier?.value ?? newDelivery(message, 'deferred', now);
  const deferrable = !earlier || before.status === 'queued' || before.status === 'deferred';
  if (!deferrable || before.deferred_by === message_id) return true;
  const value = { ...before, status: 'deferred' as const, deferred_by: message_id, updated_at: now };
  const expires_at = now + delay_ms + DELIVERY_TTL_MS;
  await store.transact(
    [earlier ? update(deliveries, earlier, value, { expires_at }) : insert(deliveries, key, value, { expires_at })],
    [later(delay_ms)],
  );
  return true;
};
