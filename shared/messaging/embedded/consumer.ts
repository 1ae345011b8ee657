/**
 * A consumer of one queue in the store: claims messages, invokes the operations that handle their type, settles what
 * every handler finished, brings the rest again with backoff, and parks what can't work.
 */
import type { Context } from '../../context.ts';
import { type AppError, toAppError, toBatchVerdict } from '../../errors.ts';
import { type Host, invoke } from '../../invoke.ts';
import { type Claimed, WriteConflict } from '../../ports/store.ts';
import { continueTrace } from '../../tracing/trace.ts';
import { MAX_ATTEMPTS, retryDelay, unitRandom } from '../backoff.ts';
import { readOutboxBody } from '../bus.ts';
import { toDeadLetter } from '../dead-letters.ts';
import { startPump } from '../pump.ts';
import type { Queue, Topology } from '../topology.ts';

/** Messages that one process holds of one queue at a time. */
export const PREFETCH = 10;
/** Longer than any handler may take; after a crash its messages come again this much later. */
export const LEASE_MS = 60_000;

export interface Consumer {
  wake(): void;
  /** See Pump.round. */
  round(): Promise<void>;
  /** The handlers under way, until they have ended. */
  settled(): Promise<void>;
  readonly busy: number;
  /** Stops claiming; what is not finished after `grace_ms` goes back to the queue. */
  stop(grace_ms: number): Promise<void>;
}

type Verdict = { kind: 'done' | 'ignored' } | { kind: 'retry'; error: AppError } | { kind: 'park'; reason: string };

const reasonOf = (error: AppError): string => [error.code, ...(error.errors ?? []).map(({ path }) => path)].join(' ');

const contextOf = (
  envelope: { message_id: string; correlation_id?: string },
  traceparent: string | undefined,
  deadline: number,
): Context => ({
  request_id: envelope.correlation_id ?? envelope.message_id,
  trace: continueTrace(traceparent),
  caller: { kind: 'service', name: 'bus', permissions: [] },
  client: {},
  door: 'queue',
  deadline,
});

/** Starts consuming. `onTaken` hears how many messages each claim gave. */
export const startConsumer = (
  host: Host,
  queue: Queue,
  topology: Topology,
  options: { prefetch?: number; onTaken?: (count: number) => void } = {},
): Consumer => {
  const { store, clock, ids, log, metrics } = host.ports;
  const { prefetch = PREFETCH, onTaken = () => {} } = options;
  const busy = new Map<string, { message: Claimed; done: Promise<void> }>();
  const count = (result: string): void =>
    metrics.count('perfect21_queue_messages_total', { queue: queue.name, result });

  const judge = async (message: Claimed): Promise<Verdict> => {
    if (message.attempts > MAX_ATTEMPTS)
      return { kind: 'park', reason: message.reason ?? 'its consumers died with it' };
    const envelope = readOutboxBody(message.body)?.envelope;
    if (!envelope) return { kind: 'park', reason: 'invalid envelope' };
    if (!topology.types.has(envelope.message_type)) return { kind: 'park', reason: 'unknown message type' };
    const handlers = queue.handlers.get(envelope.message_type);
    if (!handlers) return { kind: 'ignored' };
    const context = contextOf(envelope, envelope.metadata?.traceparent, clock.now() + LEASE_MS);
    for (const handler of handlers) {
      try {
        await invoke(host, handler, envelope, context);
      } catch (thrown) {
        const error = toAppError(thrown);
        const verdict = toBatchVerdict(error);
        log[verdict === 'park' ? 'error' : 'warn']('handler.failed', {
          operation: handler.name,
          message_id: envelope.message_id,
          code: error.code,
          attempts: message.attempts,
          request_id: context.request_id,
          trace_id: context.trace.trace_id,
          cause: error.cause ?? error,
        });
        return verdict === 'park' ? { kind: 'park', reason: reasonOf(error) } : { kind: 'retry', error };
      }
    }
    return { kind: 'done' };
  };

  const park = async (message: Claimed, reason: string): Promise<void> => {
    await store.transact([], { settle: [message], enqueue: [toDeadLetter(message, reason, clock.now())] });
    log.error('queue.parked', { queue: queue.name, message_id: message.id, attempts: message.attempts, reason });
    count('parked');
  };

  const finish = async (message: Claimed, verdict: Verdict): Promise<void> => {
    if (verdict.kind === 'park') return park(message, verdict.reason);
    if (verdict.kind === 'retry') {
      const delay = retryDelay(message.attempts, unitRandom(ids));
      const reason = reasonOf(verdict.error);
      if (delay === undefined) return park(message, `gave up after ${message.attempts} tries: ${reason}`);
      const released = await store.messages.release(message, { available_at: clock.now() + delay, reason });
      return count(released ? 'retried' : 'lost');
    }
    await store.transact([], { settle: [message] });
    count(verdict.kind);
  };

  const handle = async (message: Claimed): Promise<void> => {
    try {
      await finish(message, await judge(message));
    } catch (error) {
      count('lost');
      // a lost claim or an engine that is away: the message comes again when its lease ends, and handlers are idempotent
      const code = error instanceof WriteConflict ? 'queue.claim_lost' : 'queue.settle_failed';
      log.warn(code, { queue: queue.name, message_id: message.id, cause: error });
    }
  };

  const take = async (): Promise<number> => {
    const free = prefetch - busy.size;
    if (free <= 0) return 0;
    const claimed = await store.messages.claim(queue.name, { limit: free, lease_ms: LEASE_MS });
    onTaken(claimed.length);
    for (const message of claimed) {
      const done = handle(message).finally(() => {
        busy.delete(message.claim);
        pump.wake();
      });
      busy.set(message.claim, { message, done });
    }
    return claimed.length;
  };

  const pump = startPump({
    take,
    onError: (cause) => log.warn('queue.unavailable', { queue: queue.name, cause }),
  });
  const unsubscribe = store.onCommit((queues) => queues.has(queue.name) && pump.wake());
  const settled = async (): Promise<void> => {
    await Promise.all([...busy.values()].map(({ done }) => done));
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
      for (const { message } of busy.values()) {
        await store.messages
          .release(message, { available_at: clock.now(), reason: 'the worker stopped' })
          .catch((cause: unknown) => log.warn('queue.unavailable', { queue: queue.name, cause }));
      }
    },
  };
};
