/**
 * Counts what the broker itself gives up: a full queue, a message that waited too long. A copy of each such dead letter
 * comes to `perfect21.dropped`, which all processes share, so each is counted once.
 */
import type { Channel, ChannelModel, ConsumeMessage, Options } from 'amqplib';
import type { Ports } from '../../ports/index.ts';
import { DEAD } from '../dead-letters.ts';
import type { Topology } from '../topology.ts';
import { REFUSED } from './consumer.ts';
import { deathOf } from './letters.ts';
import type { RabbitSettings } from './settings.ts';

export const DROPPED = 'perfect21.dropped';
const PREFETCH = 100;
const LOG_MS = 1_000;
/** What is beyond this while nobody counts is not counted: copies must not fill the broker. */
const MOST = 10_000;

/** Arguments of the shared queue. It is replicated with the others: nobody could consume anything while its only node is away. */
export const droppedQueue = ({ queue_type }: Pick<RabbitSettings, 'queue_type'>): Options.AssertQueue => ({
  durable: true,
  arguments: { 'x-queue-type': queue_type, 'x-max-length': MOST },
});

/** By the reason of the broker, as the embedded bus counts them. */
const RESULT: Readonly<Record<string, string>> = { maxlen: 'overflow', expired: 'expired' };

/** Lets copies come. What a consumer parked itself has no death of the broker's in its headers and is counted there. */
export const declareDrops = async (channel: Channel, settings: Pick<RabbitSettings, 'queue_type'>): Promise<void> => {
  await channel.assertExchange(DROPPED, 'headers', { durable: true });
  await channel.assertQueue(DROPPED, droppedQueue(settings));
  // a header that is there, whatever it says
  await channel.bindQueue(DROPPED, DROPPED, '', { 'x-match': 'any-with-x', 'x-first-death-reason': null });
  await channel.bindExchange(DROPPED, DEAD, '');
};

/**
 * Counts on a connection, until that ends. `broken` hears when the counting ended before.
 *
 * @example await countDrops(model, topology, host.ports, broken);
 */
export const countDrops = async (
  model: ChannelModel,
  { queues }: Topology,
  { log, metrics }: Pick<Ports, 'log' | 'metrics'>,
  broken: (cause: Error) => void,
): Promise<void> => {
  const known = new Set(queues.map(({ name }) => name));
  const channel = await model.createChannel();
  let fresh = new Map<string, { queue: string; reason: string; count: number }>();
  // one line a second for each queue: a full one drops thousands
  const tell = (): void => {
    const told = fresh;
    fresh = new Map();
    for (const line of told.values()) log.error('queue.limited', line);
  };
  const count = (message: ConsumeMessage): void => {
    const death = deathOf(message);
    // what a retry queue could not bring back has its queue as the routing key
    const { queue, reason } = !death || death.waited ? { queue: message.fields.routingKey, reason: 'gone' } : death;
    const result = RESULT[reason] ?? 'dropped';
    metrics.count('perfect21_queue_messages_total', { queue: known.has(queue) ? queue : 'other', result });
    if (fresh.size === 0) setTimeout(tell, LOG_MS).unref();
    const line = fresh.get(`${queue} ${reason}`) ?? { queue, reason, count: 0 };
    line.count++;
    fresh.set(`${queue} ${reason}`, line);
  };
  // a refusal ends the channel, and is no reason to consume nothing at all
  channel.on('error', (cause) => {
    if (!REFUSED.test(String(cause))) broken(cause);
  });
  channel.on('handler-error', broken);
  await channel.prefetch(PREFETCH);
  const take = (message: ConsumeMessage | null): void => {
    if (!message) {
      broken(new Error(`RabbitMQ ended the consumer of ${DROPPED}`));
      return;
    }
    count(message);
    channel.ack(message);
  };
  try {
    await channel.consume(DROPPED, take);
  } catch (cause) {
    if (!REFUSED.test(String(cause))) throw cause;
    log.error('queue.refused', { queue: DROPPED, detail: (cause as Error).message });
  }
};
