/** A platform of one small service on a real broker: what tests of the RabbitMQ bus run on. */
import { type Channel, type ChannelModel, connect } from 'amqplib';
import type { Service } from '../../../shared/kit/service.ts';
import type { AnyEnvelope } from '../../../shared/messaging/envelope.ts';
import { openRabbit, type RabbitBroker } from '../../../shared/messaging/rabbitmq/bus.ts';
import type { RabbitSettings } from '../../../shared/messaging/rabbitmq/settings.ts';
import { type Topology, topologyOf } from '../../../shared/messaging/topology.ts';
import type { WorkerOptions } from '../../../shared/process/worker.ts';
import { note, openRig, probeCollections, type Rig, TestClock } from '../rig.ts';

/** A topology by queue names and bindings, without handlers. */
export const bindings = (queues: Record<string, readonly string[]>): Topology => {
  const all = Object.entries(queues).map(([name, bound]) => ({ name, bindings: bound, handlers: new Map() }));
  return { queues: all, types: new Set(), route: () => all };
};

let made = 0;
export const envelope = (more: Partial<AnyEnvelope> = {}): AnyEnvelope => ({
  message_id: `message-${++made}-${process.pid}`,
  message_type: 'probe.noted',
  timestamp: '2026-05-09T12:00:00.000Z',
  source_service: 'probe-service',
  data: { text: `text ${made}` },
  ...more,
});

/** Asks again until the answer is true. */
export const until = async (ask: () => unknown, what: string, ms = 15_000): Promise<void> => {
  for (const end = Date.now() + ms; !(await ask()); await new Promise((resolve) => setTimeout(resolve, 10))) {
    if (Date.now() > end) throw new Error(`in vain waited for: ${what}`);
  }
};

export interface RabbitRig extends Rig {
  broker: RabbitBroker;
  /** Notes a text, which emits an event. */
  note(text: string, user_id?: string): Promise<void>;
  start(options?: WorkerOptions): ReturnType<Rig['worker']>;
}

/** A host with its own store, connected to the broker. */
export const rabbitRig = async (
  url: string,
  platform: readonly Service[],
  settings: Partial<RabbitSettings> = {},
): Promise<RabbitRig> => {
  const clock = new TestClock();
  const rig = await openRig({ platform, collections: probeCollections, clock });
  const broker = openRabbit({ url, queue_type: 'classic', ...settings }, topologyOf(platform), rig.host.ports);
  let notes = 0;
  return {
    ...rig,
    broker,
    note: async (text, user_id) => {
      await rig.run(note, { id: `note-${++notes}`, text, user_id });
    },
    start: (options) => rig.worker({ broker, ...options }),
    close: async () => {
      await rig.close();
      await broker.close();
    },
  };
};

/** A connection of the test itself: what it sees is what the broker has. */
export const observer = async (
  url: string,
): Promise<{ model: ChannelModel; channel: Channel; close(): Promise<void> }> => {
  const model = await connect(url);
  model.on('error', () => {});
  const channel = await model.createChannel();
  channel.on('error', () => {});
  return { model, channel, close: () => model.close() };
};

/** Takes everything out of a queue. */
export const empty = async (channel: Channel, queue: string) => {
  const taken = [];
  for (let got = await channel.get(queue, { noAck: true }); got; got = await channel.get(queue, { noAck: true })) {
    taken.push(got);
  }
  return taken;
};
