/** Which queue gets which events, and which operations handle them: derived from the list of services. */
import type { Operation } from '../kit/operation.ts';
import type { Service } from '../kit/service.ts';
import type { Queue } from './queue.ts';
import { isBinding, isRoutingKey, match } from './topic.ts';

export interface Topology {
  readonly queues: readonly Queue[];
  /** Every message type that the platform emits or handles. */
  readonly types: ReadonlySet<string>;
  /** The queues that are bound to a routing key. */
  route(routingKey: string): readonly Queue[];
  /** Whether some operation hears broadcasts with this routing key; none when left out. */
  heard?(routingKey: string): boolean;
}

/** Limits of a consumer's queue; those of the contract where one is left out. */
export interface QueueLimits {
  /** Ms that a message may wait in a queue. */
  message_ttl?: number;
  /** Messages that a queue holds. */
  max_length?: number;
}
export const MESSAGE_TTL_MS = 86_400_000;
export const MAX_LENGTH = 10_000;

const QUEUE = /^[a-z0-9-]{1,64}\.[a-z0-9_-]{1,64}$/;

const add = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
  const list = map.get(key);
  if (!list) map.set(key, [value]);
  else if (!list.includes(value)) list.push(value);
};

/**
 * Reads the subscriptions and events of a platform.
 *
 * @throws Error for a binding, routing key or queue name that not every bus can carry: a mistake in the code
 */
export const topologyOf = (platform: readonly Service[]): Topology => {
  const bindings = new Map<string, string[]>();
  const handlers = new Map<string, Map<string, Operation<any, any>[]>>();
  const types = new Set<string>();
  const broadcasts: Operation<any, any>[] = [];
  for (const op of platform.flatMap(({ operations }) => operations)) {
    for (const { type, key } of op.emits) {
      if (!isRoutingKey(key)) throw new Error(`${op.name} emits ${type} with a routing key that is none: ${key}`);
      types.add(type);
    }
    if (!op.subscription) continue;
    const { queue } = op.subscription;
    for (const binding of op.subscription.bindings)
      if (!isBinding(binding))
        throw new Error(`${op.name} binds ${queue ?? 'itself'} to what is no pattern: ${binding}`);
    if (op.subscription.broadcast) {
      if (!('catchUp' in op))
        throw new Error(`${op.name} hears broadcasts and has no catchUp for those that it misses`);
      broadcasts.push(op);
      for (const type of op.subscription.types) types.add(type);
      continue;
    }
    if (!QUEUE.test(op.subscription.queue))
      throw new Error(`${op.name} subscribes to a queue that is not <service>.<suffix>: ${queue}`);
    for (const binding of op.subscription.bindings) add(bindings, op.subscription.queue, binding);
    const byType = handlers.get(op.subscription.queue) ?? new Map<string, Operation<any, any>[]>();
    handlers.set(op.subscription.queue, byType);
    for (const type of op.subscription.types) {
      types.add(type);
      add(byType, type, op);
    }
  }
  const queues: Queue[] = [...handlers].map(([name, byType]) => ({
    name,
    bindings: bindings.get(name) ?? [],
    handlers: byType,
  }));
  const known = new Map<string, readonly Queue[]>();
  return {
    queues,
    types,
    heard: (key) => broadcasts.some((op) => op.subscription?.bindings.some((binding) => match(binding, key))),
    route: (key) => {
      const routed = known.get(key);
      if (routed) return routed;
      const found = queues.filter((queue) => queue.bindings.some((binding) => match(binding, key)));
      // routing keys come from the catalogue and are few; the bound only keeps a mistake from growing
      if (known.size < 1000) known.set(key, found);
      return found;
    },
  };
};
