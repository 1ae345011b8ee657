/** What every bus calls a consumer: it takes messages of one queue and hands each to the operations that handle it. */

/** Messages that one process holds of one queue at a time. */
export const PREFETCH = 10;
/** Longer than any handler may take, in ms. In the store: after a crash its messages come again this much later. */
export const HANDLING_MS = 60_000;

export interface ConsumerOptions {
  /** Messages held at a time; 10 when left out. */
  prefetch?: number;
  /** Hears how many messages came. */
  onTaken?: (count: number) => void;
}

export interface Consumer {
  wake(): void;
  /** Resolves after a look at the queue that began after this call and found nothing. */
  round(): Promise<void>;
  /** The handlers under way, until they have ended. */
  settled(): Promise<void>;
  readonly busy: number;
  /** Stops taking; what is not finished after `grace_ms` goes back to the queue. */
  stop(grace_ms: number): Promise<void>;
}
