/**
 * What stands on the broker, declared at every connect; what stands there already is left as it is.
 *
 *     perfect21.events (topic) ──binding──▶ <service>.<suffix> ──expired, overflown──▶ perfect21.dead (fanout) ─▶ queue
 *     perfect21.dead ─▶ perfect21.dropped (headers) ──given up by the broker──▶ perfect21.dropped, which is counted
 *     perfect21.retry.<ms> (fanout) ─▶ queue with that TTL ─▶ perfect21.return (direct) ──name of the queue──▶ that queue
 *
 * One retry queue for each step, because a TTL ends only at the head of a queue; quorum: for each step of each queue. What returns to a queue that is gone
 * goes to the dead letters by the alternate exchange.
 */
import type { Channel, Options } from 'amqplib';
import { DEAD } from '../dead-letters.ts';
import { MAX_LENGTH, MESSAGE_TTL_MS, type Topology } from '../topology.ts';
import { declareDrops } from './drops.ts';
import { EVENTS, type RabbitSettings, RETURN, retryName, retryPlace, retrySteps } from './settings.ts';

const PRIORITIES = 9;

/**
 * Arguments by type of queue.
 *
 * Classic: a full queue drops its head to the dead letters (with priorities that is the most urgent, oldest one);
 * refusing instead would repeat the event in every other queue that took it, at each try. Quorum: dead letters are
 * safe (`at-least-once`) only where a full queue refuses, so what does not fit stays in the outbox.
 */
const base = ({ queue_type }: RabbitSettings): Record<string, unknown> =>
  queue_type === 'quorum'
    ? { 'x-queue-type': 'quorum', 'x-overflow': 'reject-publish', 'x-dead-letter-strategy': 'at-least-once' }
    : { 'x-queue-type': 'classic' };

/** Arguments of a consumer's queue, by the contract. */
export const consumerQueue = (settings: RabbitSettings): Options.AssertQueue => ({
  durable: true,
  arguments: {
    ...base(settings),
    'x-message-ttl': settings.message_ttl ?? MESSAGE_TTL_MS,
    'x-max-length': settings.max_length ?? MAX_LENGTH,
    'x-dead-letter-exchange': DEAD,
    ...(settings.queue_type === 'classic' && { 'x-overflow': 'drop-head', 'x-max-priority': PRIORITIES }),
  },
});

/** A queue in which messages wait for `ms` and then go on to an exchange, with the keys that they came with or with `key`. */
export const waitingQueue = (
  settings: RabbitSettings,
  ms: number,
  next: string,
  key?: string,
): Options.AssertQueue => ({
  durable: true,
  arguments: {
    ...base(settings),
    'x-message-ttl': ms,
    'x-dead-letter-exchange': next,
    ...(key !== undefined && { 'x-dead-letter-routing-key': key }),
  },
});

/** The queues in which messages wait for their next try, and the exchange that each is bound to, where it is. */
export const retryQueues = (
  settings: RabbitSettings,
  { queues }: Topology,
): { name: string; options: Options.AssertQueue; exchange?: string }[] =>
  [...new Set(retrySteps(settings))].flatMap(
    (ms): ReturnType<typeof retryQueues> =>
      settings.queue_type === 'quorum'
        ? queues.map(({ name }) => ({
            name: retryPlace(settings, ms, name).key,
            options: waitingQueue(settings, ms, RETURN, name),
          }))
        : [{ name: retryName(ms), options: waitingQueue(settings, ms, RETURN), exchange: retryName(ms) }],
  );

/**
 * Binds the consumers' queues. A binding that is there stays as it is.
 *
 * @throws Error 404 where a queue is gone; the channel is closed then
 */
export const bind = async (channel: Channel, { queues }: Topology): Promise<void> => {
  for (const { name, bindings } of queues) {
    for (const binding of bindings) await channel.bindQueue(name, EVENTS, binding);
  }
};

/**
 * Declares exchanges, queues and bindings. Bindings that the code does not name any more stay: they can't be listed
 * over AMQP.
 *
 * @throws Error 406 where a queue or exchange of this name has other arguments; the channel is closed then
 */
export const declare = async (channel: Channel, topology: Topology, settings: RabbitSettings): Promise<void> => {
  await channel.assertExchange(EVENTS, 'topic', { durable: true });
  await channel.assertExchange(DEAD, 'fanout', { durable: true });
  await channel.assertExchange(RETURN, 'direct', { durable: true, alternateExchange: DEAD });
  // quorum's safe dead-lettering is about queues that have dead letters: this one has none
  await channel.assertQueue(DEAD, { durable: true, arguments: { 'x-queue-type': settings.queue_type } });
  await channel.bindQueue(DEAD, DEAD, '');
  await declareDrops(channel, settings);
  for (const { name, options, exchange } of retryQueues(settings, topology)) {
    await channel.assertQueue(name, options);
    if (exchange === undefined) continue;
    await channel.assertExchange(exchange, 'fanout', { durable: true });
    await channel.bindQueue(name, exchange, '');
  }
  for (const { name } of topology.queues) {
    await channel.assertQueue(name, consumerQueue(settings));
    await channel.bindQueue(name, RETURN, name);
  }
  await bind(channel, topology);
};
