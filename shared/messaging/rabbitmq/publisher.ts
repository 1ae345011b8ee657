/** Outbox rows to RabbitMQ: what became of each, never later than a claim of it lasts. */
import type { Ports } from '../../ports/index.ts';
import type { Claimed } from '../../ports/store.ts';
import { type Outcome, readOutboxBody } from '../bus.ts';
import type { Topology } from '../topology.ts';
import { propertiesOf } from './message.ts';
import type { Sender } from './sender.ts';
import { EVENTS, MAX_BYTES } from './settings.ts';

/** Shorter than the relay's claim. */
const CONFIRM_MS = 10_000;
const RABBITMQ = Object.freeze({ bus: 'rabbitmq' });

/**
 * Makes `Bus.publish`.
 *
 * A message that no queue took is `failed` when the platform has a queue for its key, because then a binding is
 * missing: it stays in the outbox and is counted, and `unbound` hears of it. An event that nobody subscribed to is published and `unroutable`.
 */
export const rowPublisher = (
  sender: Sender,
  topology: Topology,
  { log, metrics }: Pick<Ports, 'log' | 'metrics'>,
  unbound: () => void = () => {},
): ((rows: readonly Claimed[]) => Promise<readonly Outcome[]>) => {
  const publish = async (row: Claimed): Promise<Outcome> => {
    const body = readOutboxBody(row.body);
    if (!body) return { kind: 'refused', reason: 'not an event' };
    const { envelope, routing_key: key, priority } = body;
    const content = Buffer.from(JSON.stringify(envelope));
    if (content.length > MAX_BYTES) return { kind: 'refused', reason: 'too large' };
    const options = propertiesOf(envelope, key, priority);
    const started = performance.now();
    const sent = await sender.send({ exchange: EVENTS, key, content, options });
    metrics.observe('perfect21_bus_confirm_seconds', RABBITMQ, (performance.now() - started) / 1000);
    if (sent === 'confirmed') return { kind: 'published' };
    if (topology.route(key).length === 0) return { kind: 'published', unroutable: true };
    metrics.count('perfect21_bus_unroutable_total', { routing_key: key });
    log.error('bus.unroutable', { message_id: row.id, routing_key: key, detail: 'a binding is missing on RabbitMQ' });
    unbound();
    return { kind: 'failed', error: new Error(`no queue is bound to ${key}`) };
  };

  return async (rows) => {
    const outcomes: Outcome[] = rows.map(() => ({
      kind: 'failed',
      error: new Error(`no confirm within ${CONFIRM_MS} ms`),
    }));
    const all = Promise.all(
      rows.map(async (row, at) => {
        outcomes[at] = await publish(row).catch((error: unknown): Outcome => ({ kind: 'failed', error }));
      }),
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CONFIRM_MS);
    });
    await Promise.race([all, late]);
    clearTimeout(timer);
    return [...outcomes];
  };
};
