/** What an operator can do with a bus: look, publish, see to dead letters, compare what stands there with the code. */
import { createHash } from 'node:crypto';
import type { Claimed } from '../ports/store.ts';
import type { Outcome } from './bus.ts';
import type { AnyEnvelope } from './envelope.ts';

/** A dead letter as every bus can show it. */
export interface Letter {
  /** Of the event; where the message carries none, something else that stays the same. */
  id: string;
  /** The queue that it was in. */
  from: string;
  type?: string;
  routing_key?: string;
  reason: string;
  attempts?: number;
  /** Unix ms: when it was given up; where a bus does not keep that, when it was sent; 0 where nobody said. */
  since: number;
  /** The envelope, or what came in its place, as text. */
  payload: unknown;
}

/** `replay` puts a letter back into the queue that it came from, with all its tries before it. */
export type Fate = 'keep' | 'replay' | 'drop';

/**
 * A place where a bus keeps dead letters.
 *
 * `walk` goes once over those that lay there at its beginning, oldest first as far as the bus keeps an order, and does
 * with each what `decide` says, until it says `stop`. A letter that is replayed stands in its queue before it is taken
 * away here: killed between the two, it is there twice, and never nowhere. `done` hears of each letter what became of
 * it; of a replay that could not be, `failure` says why, and the letter is kept.
 */
export interface LetterBox {
  /** The queue that all of its letters were in; left out where there may be several. */
  readonly from?: string;
  /** How many there are, as far as the bus knows. */
  count(): Promise<number>;
  /** The letters, without touching them where the bus can do that. Newest last. */
  look(): AsyncIterable<Letter>;
  walk(
    decide: (letter: Letter) => Fate | 'stop',
    done?: (letter: Letter, fate: Fate, failure?: string) => void,
  ): Promise<void>;
}

/** An event that passes. */
export interface Passing {
  routing_key: string;
  /** Left out where the bus does not keep it. */
  priority?: number;
  envelope: AnyEnvelope;
}

/** Something of the topology that is not as the code says. */
export interface Difference {
  kind: 'missing' | 'different' | 'left over';
  /** `queue notification-service.user_events`. */
  what: string;
  detail?: string;
}

export interface BusOperations {
  /** One line for people: `RabbitMQ`, `the store's own bus`. */
  readonly name: string;
  /** Publishes without the outbox and says what became of it. */
  publish(row: Claimed): Promise<Outcome>;
  /**
   * Shows events whose routing key a binding takes (see topic.ts), as they pass, until the signal. `ready` hears when
   * none will be missed any more.
   */
  tail(binding: string, show: (event: Passing) => void, signal: AbortSignal, ready: () => void): Promise<void>;
  readonly letters: readonly LetterBox[];
  /** What is not as the code says; `unknown` names what this bus could not be asked about. */
  compare(): Promise<{ differences: readonly Difference[]; unknown?: string }>;
  /** Makes what is missing, and mends what can be mended without losing messages. Says what it did, a line each. */
  apply(options: {
    /** Also takes away what the code does not name any more. */
    prune?: boolean;
  }): Promise<readonly string[]>;
  /** What an error of this bus means, in one line. */
  explain(cause: unknown): string;
  close(): Promise<void>;
}

/** What a message without an id is called by. */
export const idOfContent = (content: string | Buffer): string =>
  createHash('sha256').update(content).digest('hex').slice(0, 16);

/** Resolves with the signal. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
