/** What stands on RabbitMQ, compared with what the code declares. Bindings are known to the management plugin only. */
import { isAddress } from '../../config/address.ts';
import { DEAD } from '../dead-letters.ts';
import type { Difference } from '../operate.ts';
import type { Topology } from '../topology.ts';
import { DROPPED, droppedQueue } from './drops.ts';
import type { Session } from './session.ts';
import { EVENTS, type RabbitSettings, RETURN } from './settings.ts';
import { consumerQueue, retryQueues } from './topology.ts';

/** A binding of the events' exchange. */
export interface Binding {
  queue: string;
  key: string;
}

const TIMEOUT_MS = 10_000;

/**
 * The bindings of `perfect21.events` to queues, from the management plugin.
 *
 * @param management `http://user:password@host:15672`
 * @throws Error with one line when it does not answer
 */
export const listBindings = async (management: string, vhost: string): Promise<Binding[]> => {
  // it may hold a password
  if (!isAddress(management))
    throw new Error('the management plugin has no such address: use http://user:password@host:15672');
  const { origin, username, password } = new URL(management);
  const user = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const path = `/api/exchanges/${encodeURIComponent(vhost)}/${EVENTS}/bindings/source`;
  const response = await fetch(origin + path, {
    headers: { authorization: `Basic ${user}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: Error) => {
    throw new Error(`the management plugin is away: ${(cause.cause as Error | undefined)?.message ?? cause.message}`);
  });
  if (response.status === 404) return [];
  if (!response.ok) throw new Error(`the management plugin refused: ${response.status} ${response.statusText}`);
  const all = (await response.json()) as { destination: string; destination_type: string; routing_key: string }[];
  return all
    .filter(({ destination_type }) => destination_type === 'queue')
    .map(({ destination, routing_key }) => ({ queue: destination, key: routing_key }));
};

/** Bindings of the code's queues that the broker has not, or has and the code not. Others' queues are their business. */
export const compareBindings = (topology: Topology, there: readonly Binding[]) => {
  const same = (one: Binding) => (other: Binding) => one.queue === other.queue && one.key === other.key;
  const wanted = topology.queues.flatMap(({ name, bindings }) => bindings.map((key) => ({ queue: name, key })));
  const ours = new Set(topology.queues.map(({ name }) => name));
  return {
    missing: wanted.filter((each) => !there.some(same(each))),
    left: there.filter((each) => ours.has(each.queue) && !wanted.some(same(each))),
  };
};

/** Asks about each exchange and queue: is it there, and with these arguments? */
export const compareNames = async (
  { ask }: Session,
  topology: Topology,
  settings: RabbitSettings,
): Promise<Difference[]> => {
  const differences: Difference[] = [];
  const retries = retryQueues(settings, topology);
  const exchanges = [
    ['topic', EVENTS],
    ['fanout', DEAD],
    ['headers', DROPPED],
    ['direct', RETURN, { alternateExchange: DEAD }],
    ...retries.flatMap(({ exchange }) => (exchange === undefined ? [] : [['fanout', exchange] as const])),
  ] as const;
  const queues = [
    [DEAD, { durable: true, arguments: { 'x-queue-type': settings.queue_type } }],
    [DROPPED, droppedQueue(settings)],
    ...retries.map(({ name, options }) => [name, options] as const),
    ...topology.queues.map(({ name }) => [name, consumerQueue(settings)] as const),
  ] as const;
  const note = async (what: string, there: unknown, again: () => Promise<unknown>): Promise<void> => {
    if (there === undefined) return void differences.push({ kind: 'missing', what });
    await again().catch((cause: Error) => {
      const [, detail = cause.message] = /(inequivalent arg[^"]*)/.exec(cause.message) ?? [];
      differences.push({ kind: 'different', what, detail });
    });
  };
  for (const [kind, name, options] of exchanges) {
    const there = await ask((channel) => channel.checkExchange(name));
    const declare = () => ask((channel) => channel.assertExchange(name, kind, { durable: true, ...options }));
    await note(`exchange ${name}`, there, declare);
  }
  for (const [name, options] of queues) {
    const there = await ask((channel) => channel.checkQueue(name));
    await note(`queue ${name}`, there, () => ask((channel) => channel.assertQueue(name, options)));
  }
  return differences;
};
