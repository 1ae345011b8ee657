/** Outbox rows to RabbitMQ: what became of each, not later than a claim of it lasts. */
import type { Ports } from '../../ports/index.ts';
import type { Claimed } from '../../ports/store.ts';
import { type Outcome, readOutboxBody } from '../bus.ts';
import { idsOfBody } from '../line-ids.ts';
import type { Topology } from '../topology.ts';
import { propertiesOf } from './message.ts';
import { CONFIRM_MS, ConfirmTimeout, type Outgoing, type Sender } from './sender.ts';
import { EVENTS, MAX_BYTES } from './settings.ts';

/** Shorter than the relay's claim, and longer than a confirm may take: what is late then waits for the end of an alarm. */
const BATCH_MS = CONFIRM_MS + 2_000;
const RABBITMQ = Object.freeze({ bus: 'rabbitmq' });

/**
 * Makes `Bus.publish`.
 *
 * A message that no queue took is `failed` when the platform has a queue for its key, because then a binding is
 * missing: it stays in the outbox and is counted, and `unbound` hears of it. An event that nobody subscribed to is
 * published and `unroutable`.
 */
export const rowPublisher = (
  sender: Sender,
  topology: Topology,
  { log, metrics }: Pick<Ports, 'log' | 'metrics'>,
  unbound: () => void = () => {},
): ((rows: readonly Claimed[]) => Promise<readonly Outcome[]>) => {
  /** Keys of which a queue confirms nothing, and whether one of their events asks whether it does again. */
  const silent = new Map<string, boolean>();
  /** Nobody waits for it, so that the events of other keys don't. If it is confirmed, its row is published twice. */
  const probe = (message: Outgoing): void => {
    if (silent.get(message.key)) return;
    silent.set(message.key, true);
    sender.send(message).then(
      () => silent.delete(message.key),
      () => silent.set(message.key, false),
    );
  };

  const publish = async (row: Claimed): Promise<Outcome> => {
    const body = readOutboxBody(row.body);
    if (!body) return { kind: 'refused', reason: 'not an event' };
    const { envelope, routing_key: key, priority } = body;
    const content = Buffer.from(JSON.stringify(envelope));
    if (content.length > MAX_BYTES) return { kind: 'refused', reason: 'too large' };
    const options = propertiesOf(envelope, key, priority);
    const message: Outgoing = { exchange: EVENTS, key, content, options };
    if (silent.has(key)) {
      probe(message);
      throw new Error(`no confirm of an earlier ${key}`);
    }
    const started = performance.now();
    const sent = await sender.send(message).catch((error: unknown) => {
      if (error instanceof ConfirmTimeout) silent.set(key, false);
      throw error;
    });
    metrics.observe('perfect21_bus_confirm_seconds', RABBITMQ, (performance.now() - started) / 1000);
    if (sent === 'confirmed') return { kind: 'published' };
    // whoever would hear a broadcast need not be there
    if (topology.route(key).length === 0) return { kind: 'published', unroutable: !topology.heard?.(key) };
    metrics.count('perfect21_bus_unroutable_total', { routing_key: key });
    const ids = { message_id: row.id, ...idsOfBody(row.body) };
    log.error('bus.unroutable', { ...ids, routing_key: key, detail: 'a binding is missing on RabbitMQ' });
    unbound();
    return { kind: 'failed', error: new Error(`no queue is bound to ${key}`) };
  };

  return async (rows) => {
    const late = new Error(`RabbitMQ took nothing for ${BATCH_MS} ms`);
    const outcomes: Outcome[] = rows.map(() => ({ kind: 'failed', error: late }));
    const all = rows.map(async (row, at) => {
      outcomes[at] = await publish(row).catch((error: unknown): Outcome => ({ kind: 'failed', error }));
    });
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, BATCH_MS);
    });
    await Promise.race([Promise.all(all), over]);
    clearTimeout(timer);
    return [...outcomes];
  };
};
