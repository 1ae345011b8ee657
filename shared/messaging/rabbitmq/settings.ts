/** How to reach RabbitMQ and what to declare there. */
import { RETRY_STEPS } from '../backoff.ts';
import type { QueueLimits } from '../topology.ts';

export interface RabbitSettings extends QueueLimits {
  /** `amqp://user:password@host:port/vhost`, or `amqps:` for TLS. */
  url: string;
  /** Files in PEM: the authority that signed the server, and a client's certificate with its key. */
  tls?: { ca?: string; cert?: string; key?: string };
  /**
   * `classic` keeps ten priorities and moves the oldest messages of a full queue to the dead letters. `quorum` is
   * replicated, has no ten priorities, and a full queue refuses what comes, which then waits in the outbox.
   */
  queue_type: 'classic' | 'quorum';
  /** Ms before each further try at a consumer; those of the embedded bus when left out. */
  retry_steps?: readonly number[];
  /** What becomes of events while it is away, for the log; they wait in the outbox when left out. */
  waiting?: string;
  /** Ms for how long a binding that somebody took away may be missing; ten seconds when left out. */
  bind_ms?: number;
  /** Ms until a queue that lets nobody consume is asked again; five seconds when left out. */
  refused_ms?: number;
}

export const EVENTS = 'perfect21.events';
/** A direct exchange by which retried messages return to the one queue that they came from. */
export const RETURN = 'perfect21.return';
export const retryName = (ms: number): string => `perfect21.retry.${ms}`;

/**
 * Where a message waits for its next try at a queue. Classic: all queues share one queue for each wait. Quorum: each has its
 * own, because what returns to a full queue is refused there, and those behind it would wait with it.
 */
export const retryPlace = (
  { queue_type }: Pick<RabbitSettings, 'queue_type'>,
  ms: number,
  queue: string,
): { exchange: string; key: string } =>
  queue_type === 'quorum'
    ? { exchange: '', key: `${retryName(ms)}.${queue}` }
    : { exchange: retryName(ms), key: queue };

export const retrySteps = ({ retry_steps }: RabbitSettings): readonly number[] => retry_steps ?? RETRY_STEPS;

/** No bus of the contract carries more in one message. */
export const MAX_BYTES = 1024 * 1024;

/** Headers of our own, beside those of the contract. */
export const HEADER = {
  /** Tries that failed so far. */
  attempts: 'x-perfect21-attempts',
  reason: 'x-perfect21-reason',
  /** Of a dead letter: the queue that it was in, and when it was given up (ISO 8601). */
  from: 'x-perfect21-from',
  parked_at: 'x-perfect21-parked-at',
  /** The routing key that it was published with; delays and retries change the one that AMQP shows. */
  key: 'x-perfect21-routing-key',
} as const;
