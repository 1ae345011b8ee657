/** The bus of a process, by its configuration. */
import type { Config } from '../config/config.ts';
import type { Service } from '../kit/service.ts';
import type { Bus } from '../messaging/bus.ts';
import type { OpenHost } from './host.ts';

/** The broker that Config names; none when events stay in the store. It need not be there yet. */
export const brokerFor = async ({ bus }: Config, platform: readonly Service[], { ports }: OpenHost) => {
  if (bus.engine !== 'rabbitmq') return undefined;
  const { openRabbit } = await import('../messaging/rabbitmq/bus.ts');
  const { topologyOf } = await import('../messaging/topology.ts');
  return openRabbit(bus, topologyOf(platform), ports);
};

/** The EventBridge that Config names. Its queues are SQS's and their consumers functions, so this process only relays. */
export const eventBridgeFor = async ({ bus }: Config) => {
  if (bus.engine !== 'eventbridge') return undefined;
  const { eventBridgeBus } = await import('../messaging/eventbridge/bus.ts');
  const { listenOnEventBridge } = await import('../messaging/eventbridge/broadcast.ts');
  const { name } = bus;
  const listen: Bus['listen'] = (ports, listener) => listenOnEventBridge(name, ports, listener);
  return { ...eventBridgeBus({ name }), listen };
};
