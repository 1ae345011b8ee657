/**
 * Revocations over RabbitMQ: every process that makes some tells all of them to a fan-out exchange, numbered as it came by
 * them, and every verifier has a queue there that goes with its connection. Who begins, or missed something, asks a
 * process of the platform for everything; it is told into the same queue.
 */
import type { Channel, ConsumeMessage, Options } from 'amqplib';
import { eventReader, FeedEvent, toEvents } from '../../keys/feed-events.ts';
import type { Ports } from '../../ports/index.ts';
import type { FeedMessage, FeedPosition, RevocationFeed, RevocationNews } from '../../ports/revocations.ts';
import { type Absences, absences } from './absence.ts';
import { type LinkPorts, startLink } from './link.ts';
import type { RabbitSettings } from './settings.ts';

/** What is told to everybody. */
export const REVOCATIONS = 'perfect21.revocations';
/** Where verifiers ask for everything. */
export const SNAPSHOTS = 'session-service.revocation_snapshots';
/** A question that nobody took by then was asked by somebody who asks again. */
const ASKED_MS = 1_000;
const HEARTBEAT_MS = 200;
const SILENT_MS = 1_000;
const PATIENCE_MS = 500;
/** The connections for events tell that the broker is away. */
const UNTOLD: Absences = { away: () => {}, back: () => {}, tried: async () => {} };

type FeedPorts = LinkPorts & Pick<Ports, 'clock'>;

const bytesOf = (event: FeedEvent): Buffer => Buffer.from(JSON.stringify(event));

const read = ({ content }: ConsumeMessage): FeedEvent | undefined => {
  try {
    return FeedEvent.parse(JSON.parse(content.toString('utf8')));
  } catch {
    return undefined;
  }
};

const ownQueue = async (channel: Channel): Promise<string> => {
  const { queue } = await channel.assertQueue('', {
    exclusive: true,
    durable: false,
    autoDelete: true,
    arguments: { 'x-queue-type': 'classic' },
  });
  await channel.bindQueue(queue, REVOCATIONS, '');
  return queue;
};

/** A channel whose end is the end of its connection. */
const guarded = (channel: Channel, broken: (cause: Error) => void): Channel => {
  channel.on('error', broken);
  channel.on('close', () => broken(new Error('the channel was closed')));
  return channel;
};

/** Replicated where others are: a queue whose only node is away can't be declared, nor revocations be told. */
export const snapshotQueue = ({ queue_type }: Pick<RabbitSettings, 'queue_type'>): Options.AssertQueue => ({
  durable: true,
  arguments: { 'x-queue-type': queue_type, 'x-message-ttl': ASKED_MS, 'x-max-length': 1_000 },
});

const declare = (channel: Channel) => channel.assertExchange(REVOCATIONS, 'fanout', { durable: true });

export interface Teller {
  stop(): Promise<void>;
}

/**
 * Tells what a process of the platform knows, answers those who ask for everything, and takes in what others tell.
 */
export const tellOverRabbit = (settings: RabbitSettings, known: RevocationNews, ports: FeedPorts): Teller => {
  const now = () => ports.clock.now();
  let channel: Channel | undefined;
  let at: FeedPosition | undefined;
  let toldAt = 0;
  let full = false;

  /** All that is new since the last time. What a broker that takes nothing would have to be told waits here, as a place. */
  const tell = (): void => {
    const message = channel && !full && known.since(at);
    if (!message) return;
    toldAt = performance.now();
    // where the last time is too long ago: who follows sees a gap, and asks
    const { as_of } = message;
    const news: typeof message =
      message.kind === 'entries' ? message : { kind: 'entries', after: message.at, revocations: [], as_of };
    for (const event of toEvents(news, now)) {
      at = { epoch: event.epoch, number: event.number };
      if (channel!.publish(REVOCATIONS, '', bytesOf(event))) continue;
      full = true;
      return;
    }
  };
  const answer = (asked: ConsumeMessage | null): void => {
    const message = asked && known.since();
    if (!message || !channel) return;
    for (const event of toEvents(message, now)) channel.sendToQueue(asked.properties.replyTo, bytesOf(event));
    channel.ack(asked);
  };

  const link = startLink('revocations', settings, ports, UNTOLD, {
    setup: async (model) => {
      const own = guarded(await model.createChannel(), (cause) => link.renew(cause));
      await declare(own);
      const queue = await ownQueue(own);
      await own.assertQueue(SNAPSHOTS, snapshotQueue(settings));
      own.on('drain', () => {
        full = false;
        tell();
      });
      full = false;
      channel = own;
      tell();
      await own.consume(
        queue,
        (message) => {
          const event = message && read(message);
          if (event && event.epoch !== at?.epoch) known.hear(event.entries);
        },
        { noAck: true },
      );
      await own.consume(SNAPSHOTS, answer);
    },
    lost: () => {
      channel = undefined;
    },
  });
  const stop = known.onNews((entries) => {
    if (entries > 0 || performance.now() - toldAt >= HEARTBEAT_MS / 2) tell();
  });
  return {
    stop: async () => {
      stop();
      await link.close();
    },
  };
};

export interface RabbitFeed extends RevocationFeed {
  close(): Promise<void>;
}

/** Follows one process of the platform over RabbitMQ, another one when it falls silent, and hears all. */
export const createRabbitFeed = (settings: RabbitSettings, ports: FeedPorts): RabbitFeed => {
  const { clock, log } = ports;
  let take: (message: FeedMessage) => void = () => {};
  let current: { channel: Channel; queue: string } | undefined;
  /** Who is followed, and how its times are read. */
  let followed: { epoch: string; read: ReturnType<typeof eventReader>; heardAt: number } | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let waiting: (() => void)[] = [];

  const ask = (): void => {
    if (!current || performance.now() - askedAt < PATIENCE_MS / 2) return;
    askedAt = performance.now();
    followed = undefined;
    const { channel, queue } = current;
    channel.sendToQueue(SNAPSHOTS, Buffer.alloc(0), { replyTo: queue, expiration: ASKED_MS });
  };
  const hear = (event: FeedEvent): void => {
    if (event.snapshot && !event.partial && followed?.epoch !== event.epoch)
      followed = { epoch: event.epoch, read: eventReader(() => clock.now()), heardAt: 0 };
    if (followed?.epoch !== event.epoch) {
      take({ kind: 'beside', revocations: event.entries });
      return;
    }
    followed.heardAt = performance.now();
    take(followed.read(event));
    if (event.partial) return;
    const done = waiting;
    waiting = [];
    for (const go of done) go();
  };

  const link = startLink('revocations', settings, ports, absences(log, 1, 'revocations are not known without it'), {
    setup: async (model) => {
      const channel = guarded(await model.createChannel(), (cause) => link.renew(cause));
      await declare(channel);
      const queue = await ownQueue(channel);
      await channel.consume(
        queue,
        (message) => {
          const event = message && read(message);
          if (event) return hear(event);
          // what is understood half lets the other half in
          log.error('revocation_feed.away', { detail: 'it tells what is not understood here' });
          link.renew(new Error('a message that is no part of the feed'));
        },
        { noAck: true },
      );
      current = { channel, queue };
      askedAt = Number.NEGATIVE_INFINITY;
      ask();
    },
    lost: () => {
      current = undefined;
      followed = undefined;
    },
  });
  const watchdog = setInterval(() => {
    if (!followed || performance.now() - followed.heardAt > SILENT_MS) ask();
  }, HEARTBEAT_MS / 2).unref();

  return {
    follow: (given) => {
      take = given;
      return () => {
        take = () => {};
      };
    },
    catchUp: (from) => {
      if (!current) return Promise.reject(new Error('RabbitMQ is away'));
      if (from === undefined || !followed) ask();
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('the feed tells nothing')), PATIENCE_MS);
        waiting.push(() => {
          clearTimeout(late);
          resolve();
        });
      });
    },
    close: async () => {
      clearInterval(watchdog);
      await link.close();
    },
  };
};
