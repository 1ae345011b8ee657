/**
 * The bridge as a process: it consumes RabbitMQ's queue `bridge.to_eventbridge` and an SQS queue behind EventBridge, and
 * publishes each to the other side. A message is acknowledged after the other side confirmed it; what can't be carried
 * goes to the dead letters of the side that it came from.
 */
import { schema } from '../../functions/index.ts';
import type { Config } from '../config/config.ts';
import { StartError } from '../config/start-error.ts';
import type { Host } from '../kit/invoke.ts';
import { BRIDGE_LIMITS, bridgeQueue, bridgeTopology, carrying } from '../messaging/bridge/carrying.ts';
import { crossingOf, throughBus } from '../messaging/bridge/crossings.ts';
import { readFrame, resultOf } from '../messaging/bridge/from-eventbridge.ts';
import { patient, watched } from '../messaging/bridge/patience.ts';
import { HANDLING_MS } from '../messaging/consumer.ts';
import { eventBridgeBus } from '../messaging/eventbridge/bus.ts';
import { startSqsConsumer } from '../messaging/eventbridge/consumer.ts';
import { openSqs, queueUrl, type Received, type SqsQueue, sqsQueue } from '../messaging/eventbridge/sqs.ts';
import type { Verdict } from '../messaging/queue.ts';
import { openRabbit } from '../messaging/rabbitmq/bus.ts';
import { linksOf } from '../metrics/links.ts';
import { once } from '../system/once.ts';
import { compose, type LaunchOptions, type Process } from './launch.ts';
import { metrics, type Part } from './parts.ts';
import { VERSION } from './version.ts';

type RabbitConfig = Extract<Config['bus'], { engine: 'rabbitmq' }>;

export interface Bridge extends Pick<Process, 'host' | 'stop'> {
  /** Where `/metrics`, `/healthz` and `/readyz` are. */
  metrics: { port: number };
  /** True while both sides are connected and the store answers. */
  connected(): boolean;
}

export interface BridgeOptions {
  prefetch?: number;
  grace_ms?: number;
  wait_s?: number;
}

/** The URLs are asked for again until SQS answers, so that a bridge may start before it. */
const lazily = (open: () => Promise<SqsQueue>): SqsQueue => {
  const queue = once(open);
  return {
    receive: async (wait_s) => (await queue()).receive(wait_s),
    remove: async (message) => (await queue()).remove(message),
    retry: async (message, random) => (await queue()).retry(message, random),
    park: async (message, reason, now) => (await queue()).park(message, reason, now),
    send: async (body, delay_s) => (await queue()).send(body, delay_s),
  };
};

/** Both directions. Either side may be away: its messages wait where they are. */
const bothWays = (bridge: { bus: string; queue: string }, bus: RabbitConfig, options: BridgeOptions): Part => ({
  name: 'bridge',
  ports: ['clock', 'ids', 'log', 'metrics', 'store'],
  start: async ({ config, host: opened, onStop }) => {
    const stopping = new AbortController();
    const watch = watched(opened.ports.store, opened.ports, stopping.signal);
    const broker = openRabbit({ ...bus, ...BRIDGE_LIMITS }, bridgeTopology, opened.ports);
    onStop(() => broker.close());
    const eventBridge = eventBridgeBus({ name: bridge.bus });
    onStop(() => eventBridge.close());
    const client = await openSqs();
    onStop(() => client.destroy());
    const crossing = crossingOf({
      eventbridge: throughBus(eventBridge),
      rabbitmq: throughBus({ publish: broker.publish }),
    });
    const host: Host = { ...opened, ports: { ...opened.ports, store: watch.store, crossing } };

    const queue = lazily(async () => {
      const [url, dead_url] = await Promise.all([
        queueUrl(client, bridge.queue),
        queueUrl(client, `${bridge.queue}-dead`),
      ]);
      return sqsQueue(client, { url, dead_url, name: bridge.queue });
    });
    const [carryOut, carryBack] = [carrying('rabbitmq'), carrying('eventbridge')];
    const take = async (message: Received): Promise<Verdict> => {
      const now = host.ports.clock.now();
      const read = readFrame(message, now);
      if ('poison' in read) {
        host.ports.metrics.count('perfect21_queue_messages_total', { queue: bridge.queue, result: resultOf(read) });
        return { kind: 'park', reason: read.poison };
      }
      return carryBack(host, { body: read.body, attempts: message.attempts }, now + HANDLING_MS);
    };
    // while RabbitMQ or the store is away nothing is taken, so that no tries are counted
    const open = (): boolean => broker.ready() && watch.answers();
    const into = startSqsConsumer(host.ports, queue, take, { open, wait_s: options.wait_s });
    onStop(() => into.stop());
    // what RabbitMQ brought is held until EventBridge and the store are back
    const holding: typeof bridgeQueue = {
      ...bridgeQueue,
      take: ({ ports: own, ...rest }, delivery, deadline) =>
        carryOut({ ...rest, ports: patient(own, own.ids, stopping.signal) }, delivery, deadline),
    };
    const out = broker.consume(host, holding, { prefetch: options.prefetch ?? 100 });
    onStop(() => out.stop(options.grace_ms ?? 10_000));
    // first of all: what is held is let go
    onStop(() => stopping.abort());
    const side = (is: () => boolean) => async () => (is() ? 'ok' : 'degraded');
    const engines = [
      { name: 'RabbitMQ', engine: 'rabbitmq', look: side(() => broker.connected()) },
      { name: 'EventBridge', engine: 'eventbridge', look: side(() => into.ready()) },
      { name: 'store', engine: config.store.engine, look: side(() => watch.answers()) },
    ];
    const links = linksOf([]).filter(({ name }) => name === 'events');
    return {
      subject: { name: 'bridge', version: VERSION, links, engines },
      ready: () => broker.connected() && into.ready() && watch.answers(),
    };
  },
});

/**
 * Starts the bridge.
 *
 * @throws StartError with one line when the configuration names no two sides
 * @example BUS_URL=amqp://… BRIDGE_URL=eventbridge://perfect21-events/perfect21-bridge npm run bridge
 */
export const startBridge = async (
  config: Config,
  { replace, ...options }: BridgeOptions & Pick<LaunchOptions, 'replace'> = {},
): Promise<Bridge> => {
  const { bus, bridge } = config;
  if (bus.engine !== 'rabbitmq') throw new StartError('BUS_URL names no RabbitMQ: the bridge takes amqp://… there');
  if (!bridge) throw new StartError('BRIDGE_URL is missing: name the other side, eventbridge://<bus>/<SQS queue>');
  const parts = [bothWays(bridge, bus, options), metrics];
  const { host, stop, ...started } = await compose(parts, { platform: [], schema }, config, { replace });
  return { host, stop, metrics: started.metrics!, connected: started.ready! };
};
