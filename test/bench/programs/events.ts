/**
 * Publishes with confirms and consumes with acks over a RabbitMQ: the bus of the platform, or amqplib by hand in the same
 * pattern. The queues are the document's, and each message lands in one of them.
 */
import { createHistogram } from 'node:perf_hooks';
import { connect } from 'amqplib';
import * as z from 'zod';
import { operation } from '../../../shared/kit/operation.ts';
import { service } from '../../../shared/kit/service.ts';
import { envelopeOf } from '../../../shared/messaging/envelope.ts';
import { openRabbit } from '../../../shared/messaging/rabbitmq/bus.ts';
import { topologyOf } from '../../../shared/messaging/topology.ts';
import { note, noted, openRig, probeCollections } from '../../messaging/rig.ts';
import { serve } from '../processes.ts';

export interface EventsOrder {
  way: 'ours' | 'bare';
  seconds: number;
  /** Messages per second; as many as it takes when left out. */
  rate?: number;
}
export interface EventsOutcome {
  /** Messages handled per second, the last one included. */
  per_second: number;
  messages: number;
  /** Confirmed, but not handled 10 s after the last one was sent. */
  lost: number;
  /** Ms from the time at which the rate asked for the message to its handler. */
  p50: number;
  p99: number;
  /** Bytes in use after a garbage collection. */
  heap: number;
}

const SIZE = 592;
/** Unconfirmed messages at a time, and messages that a consumer holds of a queue: the same for both. */
const WINDOW = 500;
const PREFETCH = 200;
const TICK_MS = 2;
const QUEUES = ['user_events', 'security_events', 'notification_requests'].map(
  (name) => `notification-service.${name}`,
);
const KEYS = ['user.events.login', 'security.events.alert', 'notification.email.send'];
const BINDINGS = ['user.events.*', 'security.events.*', 'notification.*.*'];

/** When the messages that are under way were due. */
const due = new Map<string, number>();
let latencies = createHistogram();
let handled = 0;
const arrived = (id: string): void => {
  const at = due.get(id);
  // a message that comes twice is counted once
  if (at === undefined) return;
  due.delete(id);
  handled += 1;
  latencies.record(Math.max(1, Math.round((performance.now() - at) * 1_000)));
};

let made = 0;
const messageDue = (at: number) => {
  made += 1;
  const message_id = `01890a5d-ac96-774b-bcce-${String(made).padStart(12, '0')}`;
  const timestamp = '2026-05-09T12:00:00.000Z';
  const envelope = {
    message_id,
    message_type: noted.type,
    timestamp,
    source_service: 'probe-service',
    data: { text: '' },
  };
  envelope.data.text = 'x'.repeat(SIZE - JSON.stringify(envelope).length);
  due.set(message_id, at);
  return { envelope, key: KEYS[made % KEYS.length]! };
};

const handlers = QUEUES.map((queue, n) =>
  operation({
    name: `probe.on-noted-${n}`,
    summary: 'Counts',
    subscription: { queue, bindings: [BINDINGS[n]!], types: [noted.type] },
    access: 'service',
    input: envelopeOf(noted),
    output: z.object({}),
    run: async (_, { message_id }) => {
      arrived(message_id);
      return {};
    },
  }),
);
const platform = [service('probe', [note, ...handlers])];
const topology = topologyOf(platform);
const rig = await openRig({ platform, collections: probeCollections });
const url = process.env.BUS_URL!;
const broker = openRabbit({ url, queue_type: 'classic', max_length: 1_000_000 }, topology, rig.host.ports);
while (!broker.connected()) await new Promise((resolve) => setTimeout(resolve, 20));

/** What sends a message and resolves when it is confirmed, with consumers that run until it is stopped. */
const ours = async () => {
  const consumers = topology.queues.map((queue) => broker.consume(rig.host, queue, { prefetch: PREFETCH }));
  return {
    send: ({ envelope, key }: ReturnType<typeof messageDue>) => broker.send(envelope, key),
    stop: async () => void (await Promise.all(consumers.map((consumer) => consumer.stop(5_000)))),
  };
};
const bare = async () => {
  const [out, into] = [await connect(url, { noDelay: true }), await connect(url, { noDelay: true })];
  const [publishing, consuming] = [await out.createConfirmChannel(), await into.createChannel()];
  await consuming.prefetch(PREFETCH);
  for (const queue of QUEUES) {
    await consuming.consume(queue, (got) => {
      arrived(JSON.parse(got!.content.toString()).message_id);
      consuming.ack(got!);
    });
  }
  const options = { persistent: true, mandatory: true, contentType: 'application/json' };
  return {
    send: ({ envelope, key }: ReturnType<typeof messageDue>) =>
      new Promise<void>((resolve, reject) => {
        const [content, messageId] = [Buffer.from(JSON.stringify(envelope)), envelope.message_id];
        publishing.publish('perfect21.events', key, content, { ...options, messageId }, (error) =>
          error ? reject(error) : resolve(),
        );
      }),
    stop: async () => void (await Promise.all([out.close(), into.close()])),
  };
};

/** Sends for the time: as fast as the window lets it, or at a rate, late messages included. */
const run = async (
  send: (message: ReturnType<typeof messageDue>) => Promise<unknown>,
  { seconds, rate }: EventsOrder,
) => {
  const began = performance.now();
  const end = began + seconds * 1_000;
  if (rate === undefined) {
    const lane = async (): Promise<void> => {
      for (let now = performance.now(); now < end; now = performance.now()) await send(messageDue(now));
    };
    await Promise.all(Array.from({ length: WINDOW }, lane));
    return;
  }
  const total = seconds * rate;
  let [sent, under] = [0, 0];
  const confirmed = (): void => {
    under -= 1;
  };
  while (sent < total) {
    const asked = Math.min(total, Math.floor(((performance.now() - began) * rate) / 1_000));
    for (; sent < asked && under < 4 * WINDOW; sent += 1) {
      under += 1;
      void send(messageDue(began + (sent * 1_000) / rate)).then(confirmed);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
};

serve(async (order: EventsOrder): Promise<EventsOutcome> => {
  latencies = createHistogram();
  due.clear();
  handled = 0;
  const before = made;
  const link = await (order.way === 'ours' ? ours() : bare());
  const began = performance.now();
  await run(link.send, order);
  for (const late = performance.now() + 10_000; due.size > 0 && performance.now() < late; ) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const took = (performance.now() - began) / 1_000;
  await link.stop();
  globalThis.gc?.();
  const [p50, p99] = [50, 99].map((share) => latencies.percentile(share) / 1_000);
  const { heapUsed: heap } = process.memoryUsage();
  return { per_second: handled / took, messages: made - before, lost: due.size, p50: p50!, p99: p99!, heap };
});
