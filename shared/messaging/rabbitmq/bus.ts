/** RabbitMQ as the bus: one connection for publishing, one for consuming, each of which comes back by itself. */
import type { Channel } from 'amqplib';
import type { Broker } from '../bus.ts';
import { DEAD } from '../dead-letters.ts';
import type { AnyEnvelope } from '../envelope.ts';
import type { Topology } from '../topology.ts';
import { absences } from './absence.ts';
import { createEar, type Ear } from './broadcast.ts';
import type { RabbitConsumer } from './consumer.ts';
import { createConsumer } from './consumer.ts';
import { openDelays } from './delay.ts';
import { countDrops } from './drops.ts';
import { type LinkPorts, startLink } from './link.ts';
import { propertiesOf, sentOn } from './message.ts';
import { oldestLetter } from './oldest.ts';
import { rowPublisher } from './publisher.ts';
import { createSender } from './sender.ts';
import { EVENTS, HEADER, type RabbitSettings } from './settings.ts';
import { bind, declare } from './topology.ts';

const BIND_MS = 10_000;

export interface RabbitBroker extends Broker {
  /**
   * Publishes one event without the outbox, for operators and bridges; confirmed when it resolves.
   *
   * @throws Error when RabbitMQ is away or no queue wants it; RangeError for a delay that it can't keep
   */
  send(envelope: AnyEnvelope, key: string, options?: { priority?: number; delay_ms?: number }): Promise<void>;
  /** Puts a message into the dead letters, for a bridge; confirmed when it resolves. */
  park(
    message: { content: Buffer; properties: object },
    letter: { attempts: number; reason: string; from: string; parked_at: string },
  ): Promise<void>;
}

/**
 * Opens the bus. It resolves at once: while RabbitMQ is away `ready()` is false, and events wait in the outbox.
 *
 * @example const broker = openRabbit(config.bus, topologyOf(platform), host.ports); startWorker(host, platform, { broker });
 */
export const openRabbit = (settings: RabbitSettings, topology: Topology, ports: LinkPorts): RabbitBroker => {
  const { log, metrics } = ports;
  const told = absences(log, 2, settings.waiting);
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const sender = createSender((blocked, reason) => {
    metrics.gauge('perfect21_bus_blocked', {}, blocked ? 1 : 0);
    if (blocked) log.error('bus.blocked', { detail: `RabbitMQ takes no messages: ${reason}` });
    else {
      log.info('bus.unblocked');
      tell();
    }
  });

  let publishing: { delays: ReturnType<typeof openDelays>; bind(): void; timer: NodeJS.Timeout } | undefined;
  const out = startLink('publish', settings, ports, told, {
    setup: async (model) => {
      const broken = (cause: Error): void => out.renew(cause);
      const channel = await model.createChannel();
      channel.on('error', broken);
      channel.on('close', () => broken(new Error('the channel was closed')));
      await declare(channel, topology, settings);
      await sender.attach(model, broken);
      // an event that some queue takes is confirmed, though another lost its binding: nobody would hear of that
      const bindAgain = (): void => void bind(channel, topology).catch(broken);
      const timer = setInterval(bindAgain, settings.bind_ms ?? BIND_MS).unref();
      publishing = { delays: openDelays(channel, settings), bind: bindAgain, timer };
    },
    lost: (cause) => {
      clearInterval(publishing?.timer);
      publishing = undefined;
      sender.detach(cause);
    },
  });
  out.onReady(tell);

  const consumers = new Set<RabbitConsumer | Ear>();
  let attach: ((consumer: RabbitConsumer | Ear) => Promise<void>) | undefined;
  let asking: Channel | undefined;
  const into = startLink('consume', settings, ports, told, {
    setup: async (model) => {
      const broken = (cause: Error): void => into.renew(cause);
      const channel = await model.createChannel();
      channel.on('error', broken);
      channel.on('close', () => broken(new Error('the channel was closed')));
      await declare(channel, topology, settings);
      await countDrops(model, topology, ports, broken);
      // those that are added meanwhile come at the end of the set
      for (const consumer of consumers) await consumer.attach(model, broken);
      attach = (consumer) => consumer.attach(model, broken);
      asking = channel;
    },
    lost: () => {
      attach = undefined;
      asking = undefined;
      for (const consumer of consumers) consumer.detach();
    },
  });

  const oldest = oldestLetter(settings);
  const publish = rowPublisher(sender, topology, ports, () => publishing?.bind());
  return {
    name: 'rabbitmq',
    publish,
    outside: true,
    ready: () => out.ready() && sender.open(),
    onReady: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    connected: () =>
      out.ready() &&
      sender.open() &&
      sender.confirming() &&
      into.ready() &&
      [...consumers].every((each) => each.attached()),
    consume: (host, queue, options) => {
      const consumer = createConsumer(host, queue, topology, sender, settings, options);
      consumers.add(consumer);
      void attach?.(consumer).catch((cause: Error) => into.renew(cause));
      return consumer;
    },
    listen: (_, listener) => {
      const ear = createEar(listener, log, () => consumers.delete(ear));
      consumers.add(ear);
      void attach?.(ear).catch((cause: Error) => into.renew(cause));
      return ear;
    },
    depth: async (queue) => (await asking?.checkQueue(queue).catch(() => undefined))?.messageCount,
    tried: told.tried,
    oldestLetter: (count) => oldest(asking, count),
    send: async (envelope, key, { priority = 0, delay_ms = 0 } = {}) => {
      const content = Buffer.from(JSON.stringify(envelope));
      const options = propertiesOf(envelope, key, priority);
      let message = { exchange: EVENTS, key, options };
      if (delay_ms > 0) {
        if (!publishing) throw new Error('RabbitMQ is away');
        message = await publishing.delays(key, delay_ms, options);
      }
      if ((await sender.send({ ...message, content })) === 'returned') throw new Error(`no queue is bound to ${key}`);
    },
    park: async ({ content, properties }, { attempts, reason, from, parked_at }) => {
      const options = sentOn(
        { properties: properties as never },
        {
          [HEADER.attempts]: attempts,
          [HEADER.reason]: reason.slice(0, 500),
          [HEADER.from]: from,
          [HEADER.parked_at]: parked_at,
        },
      );
      if ((await sender.send({ exchange: DEAD, key: '', content, options })) === 'returned') {
        throw new Error(`nothing is bound to ${DEAD}`);
      }
    },
    close: async () => {
      await Promise.all([into.close(), out.close()]);
    },
  };
};
