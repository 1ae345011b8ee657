/** What the suite of the buses needs of each, and in what they differ by nature. */
import { setImmediate as turn } from 'node:timers/promises';
import { type Host, invoke } from '../../shared/kit/invoke.ts';
import type { Service } from '../../shared/kit/service.ts';
import type { QueueLimits } from '../../shared/messaging/topology.ts';
import type { Life } from '../messaging/life.ts';
import { context, note, type Rig, seenBy } from '../messaging/rig.ts';

/**
 * Differences that are documented. The suite asserts what a bus does instead; nothing is left out.
 */
export interface Traits {
  /**
   * `past a retry`: a user's next event waits until the one before it was handled or parked.
   * `within one process unless retried`: RabbitMQ gives each consuming process its share of a queue, and sends a failed
   * message round by a retry queue; others pass it meanwhile.
   * `never`: SQS standard queues bring messages in any order.
   */
  order: 'past a retry' | 'within one process unless retried' | 'never';
  /** How often a consumer tries. */
  tries: number;
  /** Ms between the tries as they were set, by what part they vary, how much they may be off, and the time in which they pass. */
  backoff: { steps: readonly number[]; spread: number; early: number; late: number; now(): number };
  /** Reasons of dead letters. A store's row is always JSON, so what is not is no envelope there; a function says its error. */
  poison: { notJson: string; noEnvelope: string };
  /**
   * Urgent messages overtake those that wait. SQS has no priorities, so the urgent have a queue of their own; quorum queues
   * have none before RabbitMQ 4, and two of them there.
   */
  priorities: 'all ten' | 'urgent from 7 on' | 'two to one from 5 on' | 'each in its turn';
  /**
   * Beyond the longest length of a queue its oldest messages become dead letters; a quorum queue refuses further ones,
   * which stay in the outbox; SQS knows no length.
   */
  full: 'the oldest become dead letters' | 'the others wait in the outbox' | 'it never is';
  /** The bus says when nobody is subscribed. EventBridge does not. */
  tellsUnroutable: boolean;
  /** Catch-ups after which a process that starts hears everything: relays elsewhere may learn of it late. */
  catchUps: number;
  /** Messages that one consumer handles at a time. A function takes whole batches. */
  held(prefetch: number): number;
  /** Runs of the test in which processes die again and again. */
  deaths: number;
  /** Ways to die of which each is shown at every step. */
  dies: readonly ('before' | 'after')[];
}

export interface Letter {
  /** What the message said, as text. */
  content: string;
  reason?: string;
}

/** A process that relays and consumes. */
export interface Running {
  host: Host;
  /** Resolves when nothing moves any more unless time passes. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

export interface StartOptions {
  prefetch?: number;
  /** False for a process that only relays. */
  consume?: boolean;
  life?: Life;
  /** What this process runs, when it is not what the bench was opened with. */
  platform?: readonly Service[];
}

/** One store, and one bus with the queue QUEUE that is empty. */
export interface Bench {
  rig: Rig;
  start(options?: StartOptions): Promise<Running>;
  /** Puts something into the queue as anybody could who may write there. */
  inject(content: string): Promise<void>;
  /** Messages that wait in the queue. */
  waiting(): Promise<number>;
  /** All dead letters since it was opened. */
  dead(): Promise<Letter[]>;
  /** What can happen happens, and about a second passes. */
  tick(): Promise<void>;
  /** The bus goes away as in a power cut, and comes back with what it had on its disk. */
  interrupt(): Promise<void>;
  resume(): Promise<void>;
  /** What stands on the bus for processes that hear broadcasts. */
  ears(): Promise<number>;
  close(): Promise<void>;
}

export interface BusHarness {
  open(platform: readonly Service[], limits?: QueueLimits): Promise<Bench>;
  close(): Promise<void>;
}

/** Time passes until the answer is true. */
export const eventually = async (bench: Bench, ask: () => Promise<unknown>, what: string): Promise<void> => {
  for (const end = performance.now() + 15_000; !(await ask()); await bench.tick()) {
    if (performance.now() > end) throw new Error(`in vain waited for: ${what}`);
    await turn();
  }
};

/** A change of one user that emits one event; its id is user and text. */
export const noteOn = (
  host: Host,
  text: string,
  user_id?: string,
  more: { priority?: number; delay_ms?: number } = {},
): Promise<unknown> => invoke(host, note, { id: `${user_id ?? ''} ${text}`, text, user_id, ...more }, context());

/** What was handled of some users, in the order of each. */
export const seenOf = async ({ rig: { store } }: Bench, users: readonly string[]): Promise<string[]> =>
  (await Promise.all(users.map((user) => seenBy(store, user)))).flat();

let made = 0;
/** An envelope as any producer may write it. */
export const envelopeText = (text: unknown, change: object = {}): string =>
  JSON.stringify({
    message_id: `message-${++made}`,
    message_type: 'probe.noted',
    timestamp: '2026-05-09T12:00:00.000Z',
    source_service: 'probe',
    data: { text },
    ...change,
  });
