/** Removes expired records now and then. Nothing depends on it but the size of the data: reads don't see them anyway. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../ports/log.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Collection } from '../ports/store.ts';

const EVERY_MS = 60_000;
/** How long one sweep goes on at most, of all collections together. */
const WORK_MS = 30_000;

/** How many expired records of a collection one step removes at most, so that it never holds others up. */
export const SWEEP_LIMIT = 1000;

/** Removes up to SWEEP_LIMIT expired records of a collection; gives how many. */
export type Step = (collection: Collection) => number | Promise<number>;

/** Step by step until nothing is left, resting after each for as long as it took. */
export const sweepAll = async (
  collections: readonly Collection[],
  step: Step,
  metrics: Pick<Metrics, 'count'> | undefined,
  going: () => boolean = () => true,
): Promise<void> => {
  const until = performance.now() + WORK_MS;
  for (const collection of collections) {
    for (let removed = SWEEP_LIMIT; removed >= SWEEP_LIMIT && going() && performance.now() < until; ) {
      const started = performance.now();
      removed = await step(collection);
      if (removed) metrics?.count('perfect21_store_swept_total', { collection: collection.name }, removed);
      if (removed >= SWEEP_LIMIT) await sleep(performance.now() - started);
    }
  }
};

/** Sweeps every minute, never keeping the process alive for it. Returns how to stop. */
export const startSweeper = (
  collections: readonly Collection[],
  step: Step,
  { log, metrics }: { log: Log; metrics?: Metrics },
): (() => void) => {
  let sweeping = false;
  let stopped = false;
  const timer = setInterval(async () => {
    if (sweeping) return;
    sweeping = true;
    try {
      await sweepAll(collections, step, metrics, () => !stopped);
    } catch (error) {
      if (!stopped) log.warn('store.sweep_failed', { error });
    } finally {
      sweeping = false;
    }
  }, EVERY_MS);
  timer.unref();
  return () => {
    stopped = true;
    clearInterval(timer);
  };
};
