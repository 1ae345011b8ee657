/**
 * The limits of the queues in the store, kept as RabbitMQ keeps them: what waited too long, and what a full queue holds
 * too much, goes to the dead letters with the reason and is counted.
 *
 * No publish counts a queue. A look at it says how many deliveries it has room for, and only when that many were made
 * is it looked at again; so a queue that is full, or filled by other processes too, is for a moment a little too long.
 */
import type { Ports } from '../../ports/index.ts';
import type { Claimed } from '../../ports/store.ts';
import { toDeadLetter } from '../dead-letters.ts';
import { startPump } from '../pump.ts';
import { MAX_LENGTH, MESSAGE_TTL_MS, type QueueLimits } from '../topology.ts';

/** Why the limits drop a message: the words of RabbitMQ's `x-first-death-reason`, and what its result counts as. */
const RESULT = { expired: 'expired', maxlen: 'overflow' } as const;

/** A transaction of the store takes 100 changes; each message is settled and parked. */
const BATCH = 50;
const LEASE_MS = 30_000;

/** True for a message that waited in its queue longer than it may, counted from when it became available last. */
export const isExpired = ({ available_at }: Claimed, now: number, message_ttl: number = MESSAGE_TTL_MS): boolean =>
  available_at + message_ttl <= now;

/** The claim that found a message past its time was no try of it. */
export const untried = (message: Claimed): Claimed => ({ ...message, attempts: message.attempts - 1 });

export interface Limits {
  /** Hears of each delivery before it is committed. */
  added(queue: string): void;
  /** Parks what expired in any queue, also one that nobody consumes, and what is too much. */
  sweep(): Promise<void>;
  /** Resolves after a look that began after this call found no queue to look at. */
  round(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Keeps the limits of queues. As on RabbitMQ a full queue loses its head: the oldest of its most urgent messages. Those
 * that are being handled or wait for another try count, and stay.
 *
 * @example const limits = startLimits(host.ports, topology.queues.map(({ name }) => name));
 */
export const startLimits = (
  { store, clock, log, metrics }: Pick<Ports, 'store' | 'clock' | 'log' | 'metrics'>,
  queues: readonly string[],
  { message_ttl = MESSAGE_TTL_MS, max_length = MAX_LENGTH }: QueueLimits = {},
): Limits => {
  /** Deliveries until a queue is looked at again. */
  const room = new Map<string, number>();
  /** Deliveries that no commit was seen of. */
  const coming = new Map<string, number>();
  const due = new Set<string>();

  /** Parks up to `most` messages, best first, and says how many there were. */
  const drop = async (queue: string, reason: keyof typeof RESULT, most: number, due_by?: number): Promise<number> => {
    let dropped = 0;
    while (dropped < most) {
      const limit = Math.min(BATCH, most - dropped);
      const settle = await store.messages.claim(queue, { limit, lease_ms: LEASE_MS, due_by });
      if (settle.length === 0) break;
      const enqueue = settle.map((message) => toDeadLetter(untried(message), reason, clock.now()));
      await store.transact([], { settle, enqueue });
      dropped += settle.length;
      metrics.count('perfect21_queue_messages_total', { queue, result: RESULT[reason] }, settle.length);
      log.error('queue.limited', { queue, reason, count: settle.length });
    }
    return dropped;
  };

  const trim = async (queue: string): Promise<void> => {
    room.set(queue, 0);
    const { count } = await store.messages.depth(queue);
    const left = count - (count > max_length ? await drop(queue, 'maxlen', count - max_length) : 0);
    // less what was added meanwhile
    const free = room.get(queue)! + Math.max(Math.ceil(max_length / 100), max_length - left);
    room.set(queue, free);
    if (free <= 0) due.add(queue);
  };

  const pump = startPump({
    take: async () => {
      const full = [...due];
      due.clear();
      for (const queue of full) await trim(queue);
      return full.length;
    },
    onError: (cause) => log.warn('queue.unavailable', { cause }),
  });
  const unsubscribe = store.onCommit((written) => {
    for (const queue of written) {
      const count = coming.get(queue);
      if (count === undefined) continue;
      coming.delete(queue);
      const left = (room.get(queue) ?? 0) - count;
      room.set(queue, left);
      if (left > 0) continue;
      due.add(queue);
      pump.wake();
    }
  });

  return {
    added: (queue) => void coming.set(queue, (coming.get(queue) ?? 0) + 1),
    sweep: async () => {
      for (const queue of queues) {
        await drop(queue, 'expired', Number.POSITIVE_INFINITY, clock.now() - message_ttl);
        due.add(queue);
      }
      await pump.round();
    },
    round: pump.round,
    stop: () => {
      unsubscribe();
      return pump.stop();
    },
  };
};
