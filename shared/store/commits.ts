/** Who wants to know of commits: the relay and the embedded bus of the same process. */
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Effects, NewMessage, Store } from '../ports/store.ts';

/** Messages whose time is awaited here; others are found by whoever looks at their queue now and then. */
const MOST_AWAITED = 1_000;
/** What waits longer is found in time without that. */
const LONGEST_MS = 3_600_000;

export interface Commits {
  onCommit: Store['onCommit'];
  /** Tells the listeners which queues got messages, if any did, and again when delayed ones are due. Call after the commit. */
  announce(enqueued: Effects['enqueue']): void;
  /** Tells the listeners that there is something in these queues. */
  tell(queues: ReadonlySet<string>): void;
}

export const commits = (log: Log, clock: Clock): Commits => {
  const listeners = new Set<(queues: ReadonlySet<string>) => void>();
  let awaited = 0;
  const tell = (queues: ReadonlySet<string>): void => {
    for (const listener of [...listeners]) {
      try {
        listener(queues);
      } catch (error) {
        // it is committed: whoever wrote must not be told otherwise
        log.error('store.commit_listener_failed', { error });
      }
    }
  };
  const tellWhenDue = ({ queue, available_at }: NewMessage): void => {
    const wait = available_at - clock.now();
    if (wait <= 0 || wait > LONGEST_MS || awaited >= MOST_AWAITED) return;
    awaited += 1;
    const due = (): void => {
      awaited -= 1;
      tell(new Set([queue]));
    };
    // a timer may ring up to a millisecond early
    setTimeout(due, wait + 1).unref();
  };
  return {
    onCommit: (listener) => {
      // wrapped, so that one function that listens twice is told twice and stops apart
      const own = (queues: ReadonlySet<string>) => listener(queues);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    tell,
    announce: (enqueued) => {
      if (!enqueued?.length || !listeners.size) return;
      tell(new Set(enqueued.map(({ queue }) => queue)));
      for (const message of enqueued) tellWhenDue(message);
    },
  };
};
