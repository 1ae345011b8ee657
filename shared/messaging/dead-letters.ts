/** Dead letters: messages that were given up wait here with the reason, until somebody replays or removes them. */
import type { Clock } from '../ports/clock.ts';
import { type Claimed, type NewMessage, type Store, WriteConflict } from '../ports/store.ts';

/** The queue of parked messages, on every bus. */
export const DEAD = 'perfect21.dead';

export interface DeadLetter {
  /** The queue that it was in. */
  from: string;
  /** Its id there. */
  id: string;
  order_key?: string;
  priority: number;
  attempts: number;
  /** ISO 8601 UTC. */
  parked_at: string;
  body: unknown;
}

/** The parked form of a message. The id carries the queue, because one event may be parked by several. */
export const toDeadLetter = (message: Claimed, reason: string, now: number): NewMessage => {
  const { queue, id, order_key, priority, attempts, body } = message;
  const letter: DeadLetter = {
    from: queue,
    id,
    ...(order_key !== undefined && { order_key }),
    priority,
    attempts,
    parked_at: new Date(now).toISOString(),
    body,
  };
  return { queue: DEAD, id: `${id}@${queue}`, available_at: now, attempts, reason: reason.slice(0, 500), body: letter };
};

/**
 * Puts parked messages back into the queues that they came from, with all their tries before them.
 *
 * @returns how many went back
 * @example await replay(store, clock, { from: 'notification-service.user_events' });
 */
export const replay = async (
  store: Store,
  clock: Clock,
  options: { from?: string; limit?: number } = {},
): Promise<number> => {
  const { from, limit = 1000 } = options;
  const passed: Claimed[] = [];
  let replayed = 0;
  while (replayed < limit) {
    const claimed = await store.messages.claim(DEAD, { limit: Math.min(50, limit - replayed), lease_ms: 30_000 });
    if (claimed.length === 0) break;
    for (const message of claimed) {
      const letter = message.body as DeadLetter;
      if (from !== undefined && letter.from !== from) {
        passed.push(message);
        continue;
      }
      const { id, order_key, priority, body } = letter;
      const again: NewMessage = { queue: letter.from, id, order_key, priority, available_at: clock.now(), body };
      try {
        await store.transact([], { settle: [message], enqueue: [again] });
        replayed++;
      } catch (error) {
        if (!(error instanceof WriteConflict)) throw error;
      }
    }
  }
  for (const message of passed) {
    await store.messages.release(message, { available_at: message.available_at, reason: message.reason });
  }
  return replayed;
};
