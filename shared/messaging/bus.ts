/** What brings events from the outbox to consumers' queues: in the store itself, or over a broker. */
import type { Claimed, NewMessage } from '../ports/store.ts';
import { type AnyEnvelope as Any, AnyEnvelope } from './envelope.ts';
import type { OutboxBody } from './event.ts';
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
  /**
   * Publishes rows and says of each, in the same order, what became of it. An outcome that is not known is `failed`:
   * a doubled event is allowed, a lost one is not.
   */
  publish(rows: readonly Claimed[]): Promise<readonly Outcome[]>;
}

/** The body of an outbox row; undefined when it is none and no bus could carry it. */
export const readOutboxBody = (body: unknown): (OutboxBody & { envelope: Any }) | undefined => {
  const { envelope, routing_key, priority } = (body ?? {}) as Partial<OutboxBody>;
  const parsed = AnyEnvelope.safeParse(envelope);
  if (!parsed.success || typeof routing_key !== 'string' || !isRoutingKey(routing_key)) return undefined;
  return { envelope: parsed.data, routing_key, priority: Math.min(9, Math.max(0, Math.trunc(Number(priority) || 0))) };
};
