/** Looks for claims whose process has died. A claim that finds nothing looks by itself: this is for who waits to be told. */
import type { Log } from '../ports/log.ts';

const EVERY_MS = 500;

/**
 * Calls `free` twice a second, never keeping the process alive for it, and tells of the queues in which it freed
 * something. Returns how to stop.
 */
export const startFreeing = (
  free: () => Promise<ReadonlySet<string>>,
  tell: (queues: ReadonlySet<string>) => void,
  log: Log,
): (() => void) => {
  let looking = false;
  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    try {
      const queues = await free();
      if (queues.size) {
        log.info('store.claims_freed', { queues: [...queues] });
        tell(queues);
      }
    } catch (error) {
      log.debug('store.freeing_failed', { error });
    } finally {
      looking = false;
    }
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
};
