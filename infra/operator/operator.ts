/** What a command works with: configuration, the store and the bus, opened when they are asked for. */
import { existsSync } from 'node:fs';
import { platform, schema } from '../../functions/index.ts';
import { Assembly } from '../../shared/adapter.ts';
import type { Config } from '../../shared/config/config.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { storeLetters } from '../../shared/messaging/dead-letters.ts';
import { operateEmbedded, storeQueues } from '../../shared/messaging/embedded/operate.ts';
import type { BusOperations, LetterBox } from '../../shared/messaging/operate.ts';
import { topologyOf } from '../../shared/messaging/topology.ts';
import { adaptersFor } from '../../shared/platform.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { awsLayout } from './aws-layout.ts';
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
  /** Ports that need no engine. */
  light(): Promise<Light>;
  store(): Promise<Ports['store']>;
  bus(options?: BusOptions): Promise<BusOperations>;
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
  const assembly = new Assembly(await adaptersFor(config, schema), config);
  const topology = topologyOf(platform);
  let opened: BusOperations | undefined;

  const light = async (): Promise<Light> => ({
    clock: await assembly.get('clock'),
    ids: await assembly.get('ids'),
    log: await assembly.get('log'),
    metrics: await assembly.get('metrics'),
  });
  const store = (): Promise<Ports['store']> => {
    const { store: chosen, data_dir } = config;
    const [file = ''] = chosen.engine === 'sqlite' ? chosen.file.split('?') : [];
    if (chosen.engine === 'sqlite' && !existsSync(file)) {
      throw new StartError(`there is no store at ${file || data_dir}: set STORE_URL or PERFECT21_DATA_DIR`);
    }
    return assembly.get('store');
  };
  const others = [
    lazily(async () => storeLetters(await store(), (await light()).clock, storeQueues(topology))),
  ] as const;

  const open = async ({ management, prefix }: BusOptions): Promise<BusOperations> => {
    const { bus } = config;
    const ports = await light();
    switch (bus.engine) {
      case 'embedded':
        return operateEmbedded({ ...ports, store: await store() }, topology);
      case 'rabbitmq': {
        const { operateRabbit } = await import('../../shared/messaging/rabbitmq/operate.ts');
        return operateRabbit(bus, topology, ports, { others, management });
      }
      case 'eventbridge': {
        const { operateEventBridge } = await import('../../shared/messaging/eventbridge/operate.ts');
        const deployed = prefix ?? (config.store.engine === 'dynamodb' ? config.store.prefix : undefined);
        const layout = () => {
          if (deployed) return awsLayout(deployed, bus.name, topology);
          throw new StartError('say what the queues of this deployment begin with: --prefix perfect21-<stage>');
        };
        return operateEventBridge(bus.name, layout, ports, { others });
      }
    }
  };

  return {
    out,
    signal,
    light,
    store: async () => store(),
    bus: async (options = {}) => {
      opened ??= await open(options);
      return opened;
    },
    explain: (cause) => opened?.explain(cause) ?? (cause instanceof Error ? cause.message : String(cause)),
    close: async () => {
      await opened?.close();
      await assembly.close();
    },
  };
};
