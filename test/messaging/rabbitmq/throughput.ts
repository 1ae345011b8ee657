/**
 * Publish with confirms and consume with acks, ours beside a bare amqplib loop: `node test/messaging/rabbitmq/throughput.ts [seconds]`.
 * RabbitMQ is started for it and shares the machine.
 */
import { connect } from 'amqplib';
import * as z from 'zod';
import { envelopeOf } from '../../../shared/messaging/envelope.ts';
import { openRabbit } from '../../../shared/messaging/rabbitmq/broker.ts';
import { topologyOf } from '../../../shared/messaging/topology.ts';
import { operation, service } from '../../../shared/operation.ts';
import { startRabbitmq } from '../../engines/rabbitmq.ts';
import { note, noted, openRig, probeCollections, QUEUE } from '../rig.ts';
import { envelope } from './rig.ts';

const seconds = Number(process.argv[2] ?? 10);
const SIZE = 592;
const KEY = 'probe.events.noted';
/** Messages that are under way at a time, the same for both. */
const WINDOW = 500;
const PREFETCH = 200;

/** When each message that is under way was published. */
const started = new Map<string, number>();
let n = 0;
const message = () => {
  const made = envelope({ message_id: `01890a5d-ac96-774b-bcce-${String(++n).padStart(12, '0')}`, data: { text: '' } });
  made.data = { text: 'x'.repeat(SIZE - JSON.stringify(made).length) };
  started.set(made.message_id, performance.now());
  return made;
};

/** Ms from publishing to the handler. */
const latencies: number[] = [];
const arrived = (id: string): void => {
  const at = started.get(id);
  if (at !== undefined) latencies.push(performance.now() - at);
  started.delete(id);
};

/** Runs `send` with a window until the time is over, and says how many were confirmed and how long it took. */
const pump = async (send: () => Promise<unknown>, got: () => number): Promise<string> => {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const end = began + seconds * 1_000;
  let sent = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      await send();
      sent++;
    }
  };
  const before = got();
  await Promise.all(Array.from({ length: WINDOW }, lane));
  const published = sent / ((performance.now() - began) / 1_000);
  while (got() - before < sent) await new Promise((resolve) => setTimeout(resolve, 1));
  const took = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const share = (user + system) / 1e6 / took;
  latencies.sort((one, two) => one - two);
  const at = (share: number): string => `${latencies[Math.floor(latencies.length * share)]?.toFixed(1)} ms`;
  const spread = `p50 ${at(0.5)}, p99 ${at(0.99)}`;
  latencies.length = 0;
  return `${Math.round(published)} published/s, ${Math.round(sent / took)} consumed/s, ${sent} messages, ${share.toFixed(2)} cores, ${spread}`;
};

const server = await startRabbitmq();
try {
  let handled = 0;
  const onNoted = operation({
    name: 'probe.on-noted',
    summary: 'Counts',
    subscription: { queue: QUEUE, bindings: ['probe.events.*'], types: [noted.type] },
    access: 'service',
    input: envelopeOf(noted),
    output: z.object({}),
    run: async (_, { message_id }) => {
      arrived(message_id);
      handled++;
      return {};
    },
  });
  const platform = [service('probe', [note, onNoted])];
  const topology = topologyOf(platform);
  const rig = await openRig({ platform, collections: probeCollections });
  const broker = openRabbit(
    { url: server.url, queue_type: 'classic', max_length: 1_000_000 },
    topology,
    rig.host.ports,
  );
  while (!broker.connected()) await new Promise((resolve) => setTimeout(resolve, 20));

  const bare = await connect(server.url, { noDelay: true });
  const other = await connect(server.url, { noDelay: true });
  const [out, into] = [await bare.createConfirmChannel(), await other.createChannel()];
  let seen = 0;
  const bareRun = async (): Promise<string> => {
    await into.prefetch(PREFETCH);
    const { consumerTag } = await into.consume(QUEUE, (got) => {
      arrived(JSON.parse(got!.content.toString()).message_id);
      into.ack(got!);
      seen++;
    });
    const told = await pump(
      () =>
        new Promise<void>((resolve, reject) => {
          const made = message();
          const options = {
            persistent: true,
            mandatory: true,
            messageId: made.message_id,
            contentType: 'application/json',
          };
          const content = Buffer.from(JSON.stringify(made));
          out.publish('perfect21.events', KEY, content, options, (error) => (error ? reject(error) : resolve()));
        }),
      () => seen,
    );
    await into.cancel(consumerTag);
    return told;
  };
  const ourRun = async (): Promise<string> => {
    const consumer = broker.consume(rig.host, topology.queues[0]!, { prefetch: PREFETCH });
    const told = await pump(
      () => broker.send(message(), KEY),
      () => handled,
    );
    await consumer.stop(5_000);
    return told;
  };
  for (const round of [1, 2]) {
    console.log(`bare amqplib ${round}: ${await bareRun()}`);
    console.log(`perfect21    ${round}: ${await ourRun()}`);
  }
  await Promise.all([bare.close(), other.close()]);
  await broker.close();
  await rig.close();
} finally {
  await server.close();
}
