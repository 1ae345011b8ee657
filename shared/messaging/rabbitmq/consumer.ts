/**
 * A consumer of one queue on RabbitMQ: acknowledges what every handler finished, sends the rest round by the retry
 * queues, and parks what can't work. A message is acknowledged only after its copy elsewhere was confirmed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Host } from '../../kit/invoke.ts';
import { type Consumer, type ConsumerOptions, PREFETCH } from '../consumer.ts';
import type { Queue } from '../queue.ts';
import type { Topology } from '../topology.ts';
import { handlingOf } from './handling.ts';
import type { Sender } from './sender.ts';
import type { RabbitSettings } from './settings.ts';

/** How long a message that could neither be sent on nor acknowledged rests before it goes back to its queue. */
const REST_MS = 1_000;
/** Another consumer holds the queue for itself, or a right is missing. */
export const REFUSED = /\b40[35] \((ACCESS|RESOURCE)/;
const REFUSED_MS = 5_000;
/** How long a channel may take to close. */
const CLOSE_MS = 2_000;
/** How long a look at the queue waits for the connection. */
const ATTACH_MS = 5_000;

export interface RabbitConsumer extends Consumer {
  /** Begins on a fresh connection. `broken` hears when the channel ended, or the server cancelled the consumer. */
  attach(model: ChannelModel, broken: (cause: Error) => void): Promise<void>;
  /** False while the queue lets it not consume. */
  attached(): boolean;
  /** The connection is gone: what is being handled can't be acknowledged any more and will come again. */
  detach(): void;
}

/** Makes a consumer that waits for its first connection. */
export const createConsumer = (
  host: Host,
  queue: Queue,
  topology: Topology,
  sender: Sender,
  settings: RabbitSettings,
  { prefetch = PREFETCH, onTaken = () => {} }: ConsumerOptions,
): RabbitConsumer => {
  const { log, metrics } = host.ports;
  /** Delivery tags belong to a channel: one of an older channel is never used. */
  let current: { channel: Channel; tag: string } | undefined;
  let stopping = false;
  let attaching: Promise<void> = Promise.resolve();
  /** Counts connections, so that a later try of an earlier one is none. */
  let turn = 0;
  const busy = new Set<Promise<void>>();
  /** The last message under way of each user: theirs are handled one after another. */
  const lines = new Map<string, Promise<void>>();
  const count = (result: string): void =>
    metrics.count('perfect21_queue_messages_total', { queue: queue.name, result });

  const handle = handlingOf(host, queue, topology, sender, settings, count);

  const gauge = (): void => metrics.gauge('perfect21_queue_in_hand', { queue: queue.name }, busy.size);

  const settle = async (channel: Channel, message: ConsumeMessage): Promise<void> => {
    const held = (): boolean => current?.channel === channel;
    // it waited for others of its user and comes again by another channel
    if (!held()) return count('lost');
    try {
      await handle({ message, held });
      if (held()) channel.ack(message);
      else count('lost');
    } catch (cause) {
      count('lost');
      log.warn('queue.settle_failed', { queue: queue.name, message_id: message.properties.messageId, cause });
      if (held()) await sleep(REST_MS);
      if (held()) channel.nack(message, false, true);
    }
  };

  const take = (channel: Channel, message: ConsumeMessage): void => {
    onTaken(1);
    const user = message.properties.headers?.user_id;
    const line = typeof user === 'string' ? user : undefined;
    const before = line === undefined ? undefined : lines.get(line);
    const done = before ? before.then(() => settle(channel, message)) : settle(channel, message);
    const entry = done
      .catch((cause: unknown) => log.warn('queue.settle_failed', { queue: queue.name, cause }))
      .then(() => {
        busy.delete(entry);
        gauge();
        if (line !== undefined && lines.get(line) === entry) lines.delete(line);
      });
    busy.add(entry);
    gauge();
    if (line !== undefined) lines.set(line, entry);
  };

  const settled = async (): Promise<void> => {
    while (busy.size > 0) await Promise.all(busy);
  };

  const begin = async (model: ChannelModel, broken: (cause: Error) => void): Promise<void> => {
    const channel = await model.createChannel();
    let cause: Error | undefined;
    let begun = false;
    channel.on('error', (error) => {
      cause = error;
    });
    channel.on('handler-error', broken);
    channel.on('close', () => begun && !stopping && broken(cause ?? new Error('the channel was closed')));
    await channel.prefetch(prefetch);
    const own = { channel, tag: '' };
    // deliveries may come before the answer that names the consumer
    current = own;
    const { consumerTag } = await channel.consume(queue.name, (message) => {
      if (message) take(channel, message);
      else if (!stopping) broken(new Error(`RabbitMQ ended the consumer of ${queue.name}`));
    });
    own.tag = consumerTag;
    begun = true;
  };

  /** A queue that lets nobody consume is asked again; the others go on. What else fails is the connection's. */
  const attach = async (model: ChannelModel, broken: (cause: Error) => void): Promise<void> => {
    const own = ++turn;
    if (stopping) return;
    try {
      const beginning = begin(model, broken);
      // a stop that came between the question and its answer would wait for a channel that nobody answers on
      attaching = beginning.catch(() => {});
      await beginning;
    } catch (cause) {
      current = undefined;
      if (!REFUSED.test(String(cause))) throw cause;
      log.error('queue.refused', { queue: queue.name, detail: (cause as Error).message });
      const again = (): void => {
        if (own === turn) attach(model, broken).catch(broken);
      };
      setTimeout(again, settings.refused_ms ?? REFUSED_MS).unref();
    }
  };

  return {
    attach,
    attached: () => stopping || Boolean(current?.tag),
    detach: () => {
      turn++;
      current = undefined;
    },
    wake: () => {},
    round: async () => {
      for (let ms = 0; !current && !stopping && ms < ATTACH_MS; ms += 5) await sleep(5);
      // a second question, because a delivery may overtake the first answer
      for (let empty = 0; empty < 2 && current && !stopping; ) {
        await settled();
        const state = await current?.channel.checkQueue(queue.name).catch(() => undefined);
        if (!state) return;
        empty = state.messageCount === 0 && busy.size === 0 ? empty + 1 : 0;
        if (state.messageCount > 0) await sleep(5);
      }
    },
    settled,
    get busy() {
      return busy.size;
    },
    stop: async (grace_ms) => {
      stopping = true;
      let timer: NodeJS.Timeout | undefined;
      const grace = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, grace_ms);
      });
      const cancelled = attaching
        .then(() => (current?.tag ? current.channel.cancel(current.tag) : undefined))
        .catch(() => {});
      await Promise.race([cancelled.then(settled), grace]);
      clearTimeout(timer);
      const own = current;
      current = undefined;
      if (!own) return;
      // amqplib never answers a close that the end of the connection overtakes
      const gone = new Promise((resolve) => own.channel.once('close', resolve));
      // what is still held goes back to the queue with the channel; a broker that hangs is not waited for
      await Promise.race([own.channel.close().catch(() => {}), gone, sleep(CLOSE_MS, undefined, { ref: false })]);
    },
  };
};
