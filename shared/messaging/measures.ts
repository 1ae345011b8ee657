/** What is measured of events alike on every bus: how long their handling took, how old they were, how many wait. */

import type { Ports } from '../ports/index.ts';
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

/**
 * Gauges `perfect21_queue_depth` and `perfect21_queue_oldest_age_seconds` of a queue in the store.
 *
 * @param elsewhere messages of the same queue that a broker holds
 */
export const gaugeQueue = async (
  { store, clock, metrics }: Pick<Ports, 'store' | 'clock' | 'metrics'>,
  queue: string,
  elsewhere = 0,
): Promise<void> => {
  const { count, oldest_at } = await store.messages.depth(queue);
  metrics.gauge('perfect21_queue_depth', { queue }, count + elsewhere);
  const age = oldest_at === undefined ? 0 : Math.max(0, (clock.now() - oldest_at) / 1_000);
  metrics.gauge('perfect21_queue_oldest_age_seconds', { queue }, age);
};
