/** What brings events from the outbox to consumers' queues: in the store itself, or over a broker. */
import type { Host } from '../kit/invoke.ts';
import type { OutboxBody } from '../ports/envelope.ts';
import type { Ports } from '../ports/index.ts';
import type { Claimed, NewMessage } from '../ports/store.ts';
import type { Consumer, ConsumerOptions } from './consumer.ts';
import { type AnyEnvelope as Any, AnyEnvelope } from './envelope.ts';
import type { Hearing, Listener } from './hearing.ts';
import type { Queue } from './queue.ts';
import { isRoutingKey } from './topic.ts';

/**
 * What became of an outbox row.
 *
 * - `published`: it is safe where it has to be, and the relay settles the row; together with `deliveries`, if the
 *   queues stand in the same store, in one transaction. `unroutable` says that no queue wanted it.
 * - `refused`: it will never work; the relay moves it to the dead letters.
 * - `failed`: it may work later; the relay gives the row back.
 */
export type Outcome =
  | { kind: 'published'; deliveries?: readonly NewMessage[]; unroutable?: boolean }
  | { kind: 'refused'; reason: string }
  | { kind: 'failed'; error: unknown };

export interface Bus {
  /** `embedded`, `rabbitmq`, `eventbridge`: a label of its metrics. */
  readonly name?: string;
  /**
   * Publishes rows and says of each, in the same order, what became of it. An outcome that is not known is `failed`:
   * a doubled event is allowed, a lost one is not.
   */
  publish(rows: readonly Claimed[]): Promise<readonly Outcome[]>;
  /** True where events leave the store, and what is published can't be taken back with it. */
  readonly outside?: boolean;
  /** False while publishing makes no sense: rows then stay unclaimed, and no try is counted. Always true when left out. */
  ready?(): boolean;
  /** Calls back when publishing makes sense again. Returns how to stop. */
  onReady?(listener: () => void): () => void;
  /** Brings broadcasts to this process from now on. */
  listen?(ports: Ports, listener: Listener): Hearing;
}

/** A bus outside of the store: it has queues, and consumers, of its own. */
export interface Broker extends Bus {
  ready(): boolean;
  onReady(listener: () => void): () => void;
  /** True while both publishing and consuming work. For health. */
  connected(): boolean;
  /** Resolves when it is there or was told of as away in the log, which it is after `ms` at the latest. */
  tried(ms: number): Promise<void>;
  consume(host: Host, queue: Queue, options: ConsumerOptions): Consumer;
  /** Messages that wait in a queue; undefined while the broker is away. */
  depth(queue: string): Promise<number | undefined>;
  /**
   * Since when the oldest message of its dead letters is dead, unix ms. Undefined where there is none, where nobody said,
   * or where it can't be looked at unharmed.
   *
   * @param count how many there are now, as `depth` said
   */
  oldestLetter(count: number): Promise<number | undefined>;
  /** Ends its connections. Stop relays and consumers first. */
  close(): Promise<void>;
}

/** The body of an outbox row; undefined when it is none and no bus could carry it. */
export const readOutboxBody = (body: unknown): (OutboxBody & { envelope: Any }) | undefined => {
  const { envelope, routing_key, priority } = (body ?? {}) as Partial<OutboxBody>;
  const parsed = AnyEnvelope.safeParse(envelope);
  if (!parsed.success || typeof routing_key !== 'string' || !isRoutingKey(routing_key)) return undefined;
  return { envelope: parsed.data, routing_key, priority: Math.min(9, Math.max(0, Math.trunc(Number(priority) || 0))) };
};
