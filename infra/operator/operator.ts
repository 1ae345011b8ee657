/** What a command works with: configuration, the store and the bus, opened when they are asked for. */
import { existsSync } from 'node:fs';
import { platform, schema } from '../../functions/index.ts';
import type { Config } from '../../shared/config/config.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { Assembly } from '../../shared/kit/adapter.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { reach } from '../../shared/kit/reach.ts';
import { BRIDGE_LIMITS, bridgeTopology } from '../../shared/messaging/bridge/carrying.ts';
import { storeLetters } from '../../shared/messaging/dead-letters.ts';
import { operateEmbedded, storeQueues } from '../../shared/messaging/embedded/operate.ts';
import type { BusOperations, LetterBox } from '../../shared/messaging/operate.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import type { PortName, Ports } from '../../shared/ports/index.ts';
import { prepareDataDir } from '../../shared/process/data-dir.ts';
import { adaptersFor } from '../../shared/process/host.ts';
import { awsLayout, bridgeLayout } from './aws-layout.ts';
import { joined } from './joined.ts';
import type { Output } from './output.ts';

type Light = Pick<Ports, 'clock' | 'ids' | 'log' | 'metrics'>;

export interface BusOptions {
  management?: string;
  prefix?: string;
}

export interface Operator {
  readonly out: Output;
  /** Ends when the operator wants to end. */
  readonly signal: AbortSignal;
  /** Whether the code names this queue. */
  knows(queue: string): boolean;
  /** Ports that need no engine. */
  light(): Promise<Light>;
  /** `make`: also where there is none yet. `finish`: with what ends a change of its shape; asked for before anything else. */
  store(options?: { make?: boolean; finish?: boolean }): Promise<Ports['store']>;
  /** A port of the platform by its name, opened. */
  port<P extends PortName>(name: P): Promise<Ports[P]>;
  readonly config: Config;
  /** The shape that this release wants, and the engine. */
  readonly shape: { readonly engine: string; readonly version: number };
  /** The ports that an operation reaches, opened; the store has to be there. */
  portsOf(op: Operation<any, any>): Promise<Ports>;
  bus(options?: BusOptions): Promise<BusOperations>;
  /** Why the bus can't be reached, in one line; undefined where it can, or where asking would tell nothing. */
  busAway(): Promise<string | undefined>;
  /** What an error means, in one line. */
  explain(cause: unknown): string;
  close(): Promise<void>;
}

/** A store's box that is opened with its first use, for commands that need only the broker. */
const lazily = (open: () => Promise<LetterBox>): LetterBox => ({
  count: async () => (await open()).count(),
  look: async function* () {
    yield* (await open()).look();
  },
  walk: async (decide, done) => (await open()).walk(decide, done),
});

export const createOperator = async (config: Config, out: Output, signal: AbortSignal): Promise<Operator> => {
  let assembly = new Assembly(await adaptersFor(config, schema), config);
  const topology = topologyOf(platform);
  let opened: BusOperations | undefined;

  const light = async (): Promise<Light> => ({
    clock: await assembly.get('clock'),
    ids: await assembly.get('ids'),
    log: await assembly.get('log'),
    metrics: await assembly.get('metrics'),
  });
  const store = async ({ make = false, finish = false } = {}): Promise<Ports['store']> => {
    if (finish) assembly = new Assembly(await adaptersFor(config, { ...schema, finish }), config);
    const { store: chosen, data_dir } = config;
    const [file = ''] = chosen.engine === 'sqlite' ? chosen.file.split('?') : [];
    if (make && chosen.engine === 'sqlite' && file.startsWith(data_dir)) prepareDataDir(data_dir);
    if (!make && chosen.engine === 'sqlite' && !existsSync(file)) {
      throw new StartError(`there is no store at ${file || data_dir}: set STORE_URL or PERFECT21_DATA_DIR`);
    }
    return assembly.get('store');
  };
  const others = [
    lazily(async () => storeLetters(await store(), (await light()).clock, storeQueues(topology))),
  ] as const;

  /** The part of a bridge that runs as a process: its SQS queue and the rule that fills it. */
  const bridgeInAws = async (ports: Light) => {
    const { bridge } = config;
    if (!bridge) return [];
    const { operateEventBridge } = await import('../../shared/messaging/eventbridge/operate.ts');
    const operations = await operateEventBridge(bridge.bus, () => bridgeLayout(bridge), ports);
    return [{ operations, letters: true }];
  };

  const open = async ({ management, prefix }: BusOptions): Promise<BusOperations> => {
    const { bus } = config;
    const ports = await light();
    switch (bus.engine) {
      case 'embedded':
        return operateEmbedded({ ...ports, store: await store() }, topology);
      case 'rabbitmq': {
        const { operateRabbit } = await import('../../shared/messaging/rabbitmq/operate.ts');
        const own = operateRabbit(bus, topology, ports, { others, management });
        if (!config.bridge) return own;
        const bridge = operateRabbit({ ...bus, ...BRIDGE_LIMITS }, bridgeTopology, ports, { management });
        return joined(own, [{ operations: bridge, letters: false }, ...(await bridgeInAws(ports))]);
      }
      case 'eventbridge': {
        const { operateEventBridge } = await import('../../shared/messaging/eventbridge/operate.ts');
        const deployed = prefix ?? (config.store.engine === 'dynamodb' ? config.store.prefix : undefined);
        const layout = () => {
          if (deployed) return awsLayout(deployed, bus.name, topology);
          throw new StartError('say what the queues of this deployment begin with: --prefix perfect21-<stage>');
        };
        const own = await operateEventBridge(bus.name, layout, ports, { others });
        return joined(own, await bridgeInAws(ports));
      }
    }
  };

  const bus = async (options: BusOptions = {}): Promise<BusOperations> => {
    opened ??= await open(options);
    return opened;
  };

  return {
    out,
    signal,
    knows: (queue) =>
      [...topology.queues, ...bridgeTopology.queues].some(({ name }) => name === queue) ||
      /^bridge\./.test(queue) ||
      storeQueues(topology)(queue),
    light,
    store,
    port: (name) => assembly.get(name),
    config,
    shape: { engine: config.store.engine, version: schema.version },
    portsOf: async (op) => {
      await store();
      const names = [...reach(op).ports, 'clock', 'ids', 'log', 'metrics', 'store'] as const;
      const opened = await Promise.all(names.map(async (name) => [name, await assembly.get(name)] as const));
      return Object.fromEntries(opened) as unknown as Ports;
    },
    bus,
    busAway: async () => {
      // the store's own bus is where the outbox is; EventBridge's relay tries, and notes that it failed
      if (config.bus.engine !== 'rabbitmq') return undefined;
      const operations = await bus();
      return operations.letters[0]!.count().then(() => undefined, operations.explain);
    },
    explain: (cause) => opened?.explain(cause) ?? (cause instanceof Error ? cause.message : String(cause)),
    close: async () => {
      await opened?.close();
      await assembly.close();
    },
  };
};
