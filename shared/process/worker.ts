/** The worker of a process: relay, consumers and schedules. Everything that happens after a commit happens here. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sealAudit } from '../kit/audit-chain.ts';
import { trimAudit } from '../kit/audit-trim.ts';
import { OUTBOX } from '../kit/event.ts';
import type { Host } from '../kit/invoke.ts';
import type { Service } from '../kit/service.ts';
import type { Broker, Bus } from '../messaging/bus.ts';
import type { Consumer } from '../messaging/consumer.ts';
import { DEAD } from '../messaging/dead-letters.ts';
import { listenInStore } from '../messaging/embedded/broadcast.ts';
import { embeddedBus } from '../messaging/embedded/bus.ts';
import { startConsumer } from '../messaging/embedded/consumer.ts';
import { startLimits } from '../messaging/embedded/limits.ts';
import { tailed } from '../messaging/embedded/tail.ts';
import { startListener } from '../messaging/listener.ts';
import { gaugeQueue, heldBy } from '../messaging/measures.ts';
import { startRelay } from '../messaging/relay.ts';
import { type QueueLimits, topologyOf } from '../messaging/topology.ts';
import { type Schedule, startSchedules } from './schedules.ts';

export interface WorkerOptions {
  /** The services whose events this process consumes; all when left out. Its relay serves the whole platform. */
  services?: readonly string[];
  /** Where events go; the queues in the store when left out. */
  bus?: Bus;
  /** False where the bus has consumers elsewhere: functions behind SQS queues. The worker then only relays. */
  consume?: boolean;
  /** A broker with queues of its own, in place of `bus`. Who opened it closes it, after the worker. */
  broker?: Broker;
  schedules?: readonly Schedule[];
  /** Messages held of each queue at a time; 10 when left out. */
  prefetch?: number;
  /** Limits of the queues in the store; those of the contract when left out. A broker has its own. */
  limits?: QueueLimits;
  /** Milliseconds that handlers have to finish at a stop; 10,000 when left out. */
  grace_ms?: number;
}

export interface Worker {
  /** Stops claiming, lets handlers finish, gives the rest back. Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
  /** Resolves when outbox and queues hold nothing that is available now and no handler is under way. For tests. */
  drain(): Promise<void>;
}

const CONNECT_MS = 10_000;
const GAUGES_EVERY_MS = 15_000;
const LIMITS_EVERY_MS = 60_000;
const SEAL_EVERY_MS = 1_000;
const TRIM_EVERY_MS = 60_000;

/**
 * Starts the worker.
 *
 * @example const worker = startWorker(host, platform, { services: config.services }); … await worker.stop();
 */
export const startWorker = (host: Host, platform: readonly Service[], options: WorkerOptions = {}): Worker => {
  const { clock, log } = host.ports;
  const { services, prefetch, broker, grace_ms = 10_000 } = options;
  const topology = topologyOf(platform);
  let taken = 0;
  const onTaken = (count: number): void => {
    taken += count;
  };

  const elsewhere = broker ?? options.bus;
  const queues = topology.queues.map(({ name }) => name);
  const limits = elsewhere ? undefined : startLimits(host.ports, queues, options.limits);
  const relay = startRelay(host.ports, elsewhere ?? tailed(embeddedBus(topology, clock, limits), host.ports), onTaken);
  const own = platform.filter(({ name }) => services?.includes(name) ?? true);
  const consumed = options.consume === false ? [] : own;
  const names = new Set(consumed.flatMap(({ operations }) => operations.flatMap((op) => op.subscription?.queue ?? [])));
  const consumers: Consumer[] = topology.queues
    .filter(({ name }) => names.has(name))
    .map((queue) =>
      broker
        ? broker.consume(host, queue, { prefetch, onTaken })
        : startConsumer(host, queue, topology, { prefetch, onTaken, ...options.limits }),
    );

  // functions hear no broadcasts, so a process does also where it consumes nothing
  const heard = own.flatMap(({ operations }) => operations.filter(({ subscription }) => subscription?.broadcast));
  const listener = heard.length > 0 ? startListener(host, heard) : undefined;
  const hearing =
    listener && (elsewhere ? elsewhere.listen?.(host.ports, listener) : listenInStore(host.ports, listener));
  if (listener && !hearing) throw new Error(`the bus ${elsewhere?.name} brings no broadcasts`);

  const held = broker && heldBy(broker, clock);
  const gauges: Schedule = {
    name: 'queue-gauges',
    every_ms: GAUGES_EVERY_MS,
    run: async () => {
      for (const queue of [OUTBOX, ...names, DEAD]) {
        // what the relay parks stays in the store, beside a broker too
        await gaugeQueue(host.ports, queue, queue === OUTBOX ? undefined : await held?.(queue));
      }
    },
  };
  const bounds: readonly Schedule[] = limits
    ? [{ name: 'queue-limits', every_ms: LIMITS_EVERY_MS, run: limits.sweep }]
    : [];
  const seal: Schedule = {
    name: 'audit-seal',
    every_ms: SEAL_EVERY_MS,
    run: () => sealAudit(host.ports.store),
  };
  const trim: Schedule = {
    name: 'audit-trim',
    every_ms: TRIM_EVERY_MS,
    run: () => trimAudit(host.ports, host.ports.settings.audit_kept * 1_000),
  };
  const schedules = startSchedules([gauges, seal, trim, ...bounds, ...(options.schedules ?? [])], log);

  let stopping: Promise<unknown> | undefined;

  return {
    stop: async () => {
      // all at once, so that none takes what another still hands on
      stopping ??= Promise.all([
        schedules.stop(),
        relay.stop(),
        limits?.stop(),
        listener?.stop(),
        hearing?.stop(),
        ...consumers.map((consumer) => consumer.stop(grace_ms)),
      ]);
      await stopping;
    },
    drain: async () => {
      // a connection that is just being made is no reason to find nothing
      for (let ms = 0; broker && !broker.connected() && ms < CONNECT_MS; ms += 20) await sleep(20);
      let before: number;
      let busy: boolean;
      do {
        before = taken;
        busy = consumers.some((consumer) => consumer.busy > 0);
        await relay.round();
        await limits?.round();
        for (const consumer of consumers) await consumer.round();
        await Promise.all(consumers.map((consumer) => consumer.settled()));
        await hearing?.round?.();
        await listener?.settled();
      } while (busy || taken !== before);
    },
  };
};
