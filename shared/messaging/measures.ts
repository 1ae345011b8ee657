/** What is measured of events alike on every bus: how long their handling took, how old they were, how many wait. */

import type { Clock } from '../ports/clock.ts';
import type { Ports } from '../ports/index.ts';
import type { Broker } from './bus.ts';
import { DEAD } from './dead-letters.ts';
import type { AnyEnvelope } from './envelope.ts';
import type { Verdict } from './queue.ts';

// one frozen object for a queue and a result: metrics find them by identity; queues are few
const labels = new Map<string, Readonly<Record<string, string>>>();
const labelsOf = (queue: string, result?: Verdict['kind']): Readonly<Record<string, string>> => {
  const key = `${queue} ${result ?? ''}`;
  let found = labels.get(key);
  if (!found) {
    found = Object.freeze({ queue, ...(result && { result }) });
    labels.set(key, found);
  }
  return found;
};

/** Observes `perfect21_event_handling_seconds`. `started` is of `performance.now()`. */
export const observeHandling = (
  { metrics }: Pick<Ports, 'metrics'>,
  queue: string,
  result: Verdict['kind'],
  started: number,
): void =>
  metrics.observe('perfect21_event_handling_seconds', labelsOf(queue, result), (performance.now() - started) / 1_000);

/**
 * Observes `perfect21_event_age_seconds` when a consumer first gets an event: the time since its commit, or since the
 * moment that a delayed one was to wait for. Later tries say nothing of the bus and are left out.
 */
export const observeAge = (
  { metrics, clock }: Pick<Ports, 'metrics' | 'clock'>,
  queue: string,
  { timestamp, metadata }: AnyEnvelope,
  attempts: number,
): void => {
  if (attempts !== 1) return;
  const { not_before } = metadata ?? {};
  const due = Date.parse(typeof not_before === 'string' ? not_before : timestamp);
  if (Number.isFinite(due)) {
    metrics.observe('perfect21_event_age_seconds', labelsOf(queue), Math.max(0, clock.now() - due) / 1_000);
  }
};

/** What a broker has of a queue. `oldest_at`: unix ms; left out where nobody can say. */
export interface Held {
  count: number;
  oldest_at?: number;
}

/**
 * Asks a broker what it has of a queue. It tells how many messages there are, and of dead letters, which nobody takes away
 * by himself, how old the oldest is: where the letter can't be looked at, since when this process has seen that there are any.
 *
 * @example const held = heldBy(broker, clock); await gaugeQueue(ports, DEAD, await held(DEAD));
 */
export const heldBy = (broker: Pick<Broker, 'depth' | 'oldestLetter'>, clock: Clock) => {
  let seen: number | undefined;
  return async (queue: string): Promise<Held> => {
    const count = await broker.depth(queue);
    if (queue !== DEAD || count === undefined) return { count: count ?? 0 };
    seen = count > 0 ? (seen ?? clock.now()) : undefined;
    return { count, oldest_at: (await broker.oldestLetter(count)) ?? seen ?? clock.now() };
  };
};

/**
 * Gauges `perfect21_queue_depth` and `perfect21_queue_oldest_age_seconds` of a queue in the store and at a broker. An age
 * that nobody knows is not told: a zero would be a lie.
 *
 * @param held what the broker has of it, where there is one
 */
export const gaugeQueue = async (
  { store, clock, metrics }: Pick<Ports, 'store' | 'clock' | 'metrics'>,
  queue: string,
  held?: Held,
): Promise<void> => {
  const { count, oldest_at } = await store.messages.depth(queue);
  metrics.gauge('perfect21_queue_depth', { queue }, count + (held?.count ?? 0));
  if (held && held.oldest_at === undefined) return;
  const now = clock.now();
  const since = Math.min(oldest_at ?? now, held?.oldest_at ?? now);
  metrics.gauge('perfect21_queue_oldest_age_seconds', { queue }, (now - since) / 1_000);
};
