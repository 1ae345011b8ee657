/** Who wants to know of commits: the relay and the embedded bus of the same process. */
import type { Log } from '../ports/log.ts';
import type { Effects, Store } from '../ports/store.ts';

export interface Commits {
  onCommit: Store['onCommit'];
  /** Tells the listeners which queues got messages, if any did. Call after the commit. */
  announce(enqueued: Effects['enqueue']): void;
}

export const commits = (log: Log): Commits => {
  const listeners = new Set<(queues: ReadonlySet<string>) => void>();
  return {
    onCommit: (listener) => {
      // wrapped, so that one function that listens twice is told twice and stops apart
      const own = (queues: ReadonlySet<string>) => listener(queues);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    announce: (enqueued) => {
      if (!enqueued?.length || !listeners.size) return;
      const queues = new Set(enqueued.map(({ queue }) => queue));
      for (const listener of [...listeners]) {
        try {
          listener(queues);
        } catch (error) {
          // it is committed: whoever wrote must not be told otherwise
          log.error('commit_listener_failed', { error });
        }
      }
    },
  };
};
