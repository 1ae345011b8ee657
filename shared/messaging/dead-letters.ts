/** Dead letters: messages that were given up wait here with the reason, until somebody replays or removes them. */
import type { Clock } from '../ports/clock.ts';
import { type Claimed, type NewMessage, type Store, WriteConflict } from '../ports/store.ts';
import { readOutboxBody } from './bus.ts';
import type { Fate, Letter, LetterBox } from './operate.ts';

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

const BATCH = 50;
const LEASE_MS = 30_000;
/** Of a walk that takes so long that letters come back, which it keeps: they are held twice as long each time. */
const LONGEST_MS = 600_000;
const PAGE = 1_000;

const letterOf = ({ body, reason }: Claimed): Letter => {
  const { from, id, attempts, parked_at, body: parked } = body as DeadLetter;
  const event = readOutboxBody(parked);
  return {
    id,
    from,
    ...(event && { type: event.envelope.message_type, routing_key: event.routing_key }),
    reason: reason ?? 'unknown',
    attempts,
    since: Date.parse(parked_at),
    payload: event?.envelope ?? parked,
  };
};

/** The dead letters in the store. `isQueue` says to which queues a replay makes sense. */
export const storeLetters = (
  store: Store,
  clock: Clock,
  isQueue: (name: string) => boolean = () => true,
): LetterBox => {
  const settle = async (message: Claimed, fate: Fate): Promise<void> => {
    const { from, id, order_key, priority, body } = message.body as DeadLetter;
    const again: NewMessage = { queue: from, id, order_key, priority, available_at: clock.now(), body };
    await store.transact([], { settle: [message], enqueue: fate === 'replay' ? [again] : [] });
  };

  return {
    count: async () => (await store.messages.depth(DEAD)).count,
    look: async function* () {
      for (let after = ''; ; ) {
        const page = await store.messages.peek(DEAD, PAGE, after);
        for (const message of page) yield letterOf(message);
        if (page.length < PAGE) return;
        after = page.at(-1)!.id;
      }
    },
    walk: async (decide, done = () => {}) => {
      // what is parked meanwhile comes behind these
      let left = (await store.messages.depth(DEAD)).count;
      let lease_ms = LEASE_MS;
      const kept = new Map<string, Claimed>();
      const keep = (message: Claimed): void => void kept.set(message.id, message);
      try {
        for (let stopped = left === 0; !stopped; stopped ||= left <= 0) {
          const claimed = await store.messages.claim(DEAD, { limit: Math.min(BATCH, left), lease_ms });
          if (claimed.length === 0) stopped = true;
          // what was looked at so long ago that its claim ended stands before the others
          if (claimed.some(({ id }) => kept.has(id))) lease_ms = Math.min(lease_ms * 2, LONGEST_MS);
          for (const message of claimed) {
            const letter = letterOf(message);
            const seen = stopped || kept.has(message.id);
            if (!seen) left--;
            let fate = seen ? 'keep' : decide(letter);
            if (fate === 'stop') stopped = true;
            if (fate === 'replay' && !isQueue(letter.from)) {
              done(letter, 'keep', `there is no queue ${letter.from}`);
              fate = 'keep';
            }
            if (fate !== 'replay' && fate !== 'drop') {
              keep(message);
              continue;
            }
            try {
              await settle(message, fate);
              done(letter, fate);
            } catch (error) {
              // the claim ended meanwhile: somebody else sees to it
              if (!(error instanceof WriteConflict)) throw error;
            }
          }
        }
      } finally {
        for (const message of kept.values()) {
          await store.messages.release(message, { available_at: message.available_at, reason: message.reason });
        }
      }
    },
  };
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
  let replayed = 0;
  await storeLetters(store, clock).walk(
    (letter) => {
      if (replayed >= limit) return 'stop';
      return from === undefined || letter.from === from ? 'replay' : 'keep';
    },
    () => replayed++,
  );
  return replayed;
};
