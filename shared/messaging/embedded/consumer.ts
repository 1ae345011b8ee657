/**
 * A consumer of one queue in the store: claims messages, invokes the operations that handle their type, settles what
 * every handler finished, brings the rest again with backoff, and parks what can't work.
 */
import type { Host } from '../../kit/invoke.ts';
import { type Claimed, WriteConflict } from '../../ports/store.ts';
import { retryDelay, unitRandom } from '../backoff.ts';
import { type Consumer, type ConsumerOptions, HANDLING_MS, PREFETCH } from '../consumer.ts';
import { toDeadLetter } from '../dead-letters.ts';
import { dispatch } from '../dispatch.ts';
import { idsOfBody } from '../line-ids.ts';
import { startPump } from '../pump.ts';
import type { Queue, Verdict } from '../queue.ts';
import type { QueueLimits, Topology } from '../topology.ts';
import { isExpired, untried } from './limits.ts';

/** Starts consuming. `onTaken` hears how many messages each claim gave. */
export const startConsumer = (
  host: Host,
  queue: Queue,
  topology: Topology,
  options: ConsumerOptions & QueueLimits = {},
): Consumer => {
  const { store, clock, ids, log, metrics } = host.ports;
  const { prefetch = PREFETCH, onTaken = () => {}, message_ttl } = options;
  const busy = new Set<{ message: Claimed; done: Promise<void> }>();
  const count = (result: string): void =>
    metrics.count('perfect21_queue_messages_total', { queue: queue.name, result });
  const gauge = (): void => metrics.gauge('perfect21_queue_in_hand', { queue: queue.name }, busy.size);

  const park = async (message: Claimed, reason: string, result = 'parked'): Promise<void> => {
    await store.transact([], { settle: [message], enqueue: [toDeadLetter(message, reason, clock.now())] });
    const ids = { message_id: message.id, ...idsOfBody(message.body) };
    log.error('queue.parked', { queue: queue.name, ...ids, attempts: message.attempts, reason });
    count(result);
  };

  const finish = async (message: Claimed, verdict: Verdict): Promise<void> => {
    if (verdict.kind === 'park') return park(message, verdict.reason);
    if (verdict.kind === 'retry') {
      const delay = retryDelay(message.attempts, unitRandom(ids));
      const { reason } = verdict;
      if (delay === undefined) return park(message, `gave up after ${message.attempts} tries: ${reason}`);
      const released = await store.messages.release(message, { available_at: clock.now() + delay, reason });
      // a timer may ring up to a millisecond early
      setTimeout(pump.wake, delay + 1).unref();
      return count(released ? 'retried' : 'lost');
    }
    await store.transact([], { settle: [message] });
    count(verdict.kind);
  };

  const handle = async (message: Claimed): Promise<void> => {
    try {
      if (isExpired(message, clock.now(), message_ttl)) return await park(untried(message), 'expired', 'expired');
      const delivery = { ...message, durability: 'deferred' } as const;
      await finish(message, await dispatch(host, queue, topology, delivery, clock.now() + HANDLING_MS));
    } catch (error) {
      count('lost');
      // a lost claim or an engine that is away: the message comes again when its lease ends, and handlers are idempotent
      const code = error instanceof WriteConflict ? 'queue.claim_lost' : 'queue.settle_failed';
      log.warn(code, { queue: queue.name, message_id: message.id, ...idsOfBody(message.body), cause: error });
    }
  };

  const take = async (): Promise<number> => {
    const free = prefetch - busy.size;
    if (free <= 0) return 0;
    const claimed = await store.messages.claim(queue.name, { limit: free, lease_ms: HANDLING_MS });
    onTaken(claimed.length);
    for (const message of claimed) {
      const entry = { message, done: handle(message) };
      busy.add(entry);
      gauge();
      entry.done = entry.done.then(() => {
        busy.delete(entry);
        gauge();
        pump.wake();
      });
    }
    return claimed.length;
  };

  const pump = startPump({
    take,
    onError: (cause) => log.warn('queue.unavailable', { queue: queue.name, cause }),
  });
  const unsubscribe = store.onCommit((queues) => queues.has(queue.name) && pump.wake());
  const settled = async (): Promise<void> => {
    await Promise.all([...busy].map(({ done }) => done));
  };

  return {
    wake: pump.wake,
    round: pump.round,
    settled,
    get busy() {
      return busy.size;
    },
    stop: async (grace_ms) => {
      unsubscribe();
      await pump.stop();
      let timer: NodeJS.Timeout | undefined;
      const grace = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, grace_ms);
      });
      await Promise.race([settled(), grace]);
      clearTimeout(timer);
      for (const { message } of busy) {
        await store.messages
          .release(message, { available_at: clock.now(), reason: 'the worker stopped' })
          .catch((cause: unknown) => log.warn('queue.unavailable', { queue: queue.name, cause }));
      }
    },
  };
};
