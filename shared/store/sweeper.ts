/** Removes expired records now and then. Nothing depends on it but the size of the data: reads don't see them anyway. */
import type { Log } from '../ports/log.ts';

const EVERY_MS = 60_000;

/** How many expired records of a collection one sweep removes at most, so that it never holds others up. */
export const SWEEP_LIMIT = 1000;

/** Calls `sweep` every minute, never keeping the process alive for it. Returns how to stop. */
export const startSweeper = (sweep: () => unknown, log: Log): (() => void) => {
  const timer = setInterval(async () => {
    try {
      await sweep();
    } catch (error) {
      log.warn('store.sweep_failed', { error });
    }
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
};
