/** The bus inside the store: each queue that wants an event gets its own message, in the transaction that settles the row. */
import type { Clock } from '../../ports/clock.ts';
import type { Claimed, NewMessage } from '../../ports/store.ts';
import { type Bus, type Outcome, readOutboxBody } from '../bus.ts';
import type { Topology } from '../topology.ts';
import type { Limits } from './limits.ts';

/**
 * @example const relay = startRelay({ store, bus: embeddedBus(topologyOf(platform), clock), … });
 */
export const embeddedBus = (topology: Topology, clock: Clock, limits?: Pick<Limits, 'added'>): Bus => {
  const publish = (row: Claimed): Outcome => {
    const body = readOutboxBody(row.body);
    if (!body) return { kind: 'refused', reason: 'not an event' };
    const { message_type } = body.envelope;
    const bound = topology.route(body.routing_key);
    // a queue whose consumers would only pass over this type is not written to; an unknown type goes there to be counted
    const wanted = bound.filter(
      ({ handlers }) =>
        !topology.types.has(message_type) ||
        handlers.get(message_type)?.some(({ subscription }) => subscription?.wants?.(body.envelope.data) ?? true),
    );
    const available_at = clock.now();
    for (const { name } of wanted) limits?.added(name);
    const deliveries = wanted.map(
      ({ name }): NewMessage => ({
        queue: name,
        // a queue keeps an id that it has: an event relayed twice is delivered once while it waits
        id: body.envelope.message_id,
        ...(row.order_key !== undefined && { order_key: row.order_key }),
        priority: body.priority,
        available_at,
        body,
      }),
    );
    return { kind: 'published', deliveries, unroutable: bound.length === 0 && !topology.heard?.(body.routing_key) };
  };
  return { name: 'embedded', publish: async (rows) => rows.map(publish) };
};
