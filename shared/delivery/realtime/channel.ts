/** The frames of one connection, held until it takes them, and not for longer than it may be slow. */
import { AppError } from '../../kit/errors.ts';
import type { Channel, Frame, Gap, Listener, Renewal } from '../../ports/realtime.ts';
import type { Span } from '../../ports/tracer.ts';

/** Frames that wait for a listener. One that is further behind is told so and has to come back. */
export const MOST_WAITING = 1_000;

type Item = Frame | Gap | Renewal;
type End = { error?: AppError };
type Result = IteratorResult<Item, undefined>;

export class QueuedChannel implements Channel {
  readonly listener: Listener;
  /** Unix ms at which it is to be told that it is still there. */
  renew_at = 0;
  readonly #onClose: (channel: QueuedChannel) => void;
  #waiting: Item[] = [];
  /** Of frames that wait, where their traces are recorded. */
  #spans: Map<Item, Span> | undefined;
  #taker: { resolve: (result: Result) => void; reject: (error: AppError) => void } | undefined;
  #end: End | undefined;

  constructor(listener: Listener, onClose: (channel: QueuedChannel) => void) {
    this.listener = listener;
    this.#onClose = onClose;
  }

  /** @param span ends when the connection takes the item, or never will */
  tell(item: Item, span?: Span): void {
    if (this.#end) span?.end('closed', false);
    else if (this.#taker) {
      this.#give({ done: false, value: item });
      span?.end();
    } else if (this.#waiting.length < MOST_WAITING) {
      this.#waiting.push(item);
      if (span) {
        this.#spans ??= new Map();
        this.#spans.set(item, span);
      }
    } else {
      span?.end('too_slow', false);
      this.#drop('too_slow');
      this.end(new AppError('too_many_requests', { detail: 'Frames were not taken as fast as they came' }));
    }
  }

  /** Nothing comes after what waits; without an error the iteration just ends. */
  end(error?: AppError): void {
    if (this.#end) return;
    this.#end = { error };
    this.#onClose(this);
    if (!this.#taker) return;
    if (error) this.#taker.reject(error);
    else this.#taker.resolve({ done: true, value: undefined });
    this.#taker = undefined;
  }

  close(): void {
    this.#drop('closed');
    this.end();
  }

  [Symbol.asyncIterator](): AsyncIterator<Item, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.close();
        return { done: true, value: undefined };
      },
    };
  }

  /** Gives up what waits. */
  #drop(why: string): void {
    this.#waiting = [];
    for (const span of this.#spans?.values() ?? []) span.end(why, false);
    this.#spans = undefined;
  }

  #give(result: Result): void {
    const taker = this.#taker!;
    this.#taker = undefined;
    taker.resolve(result);
  }

  #next(): Promise<Result> {
    const value = this.#waiting.shift();
    if (value && this.#spans) {
      this.#spans.get(value)?.end();
      this.#spans.delete(value);
    }
    if (value) return Promise.resolve({ done: false, value });
    if (this.#end?.error) return Promise.reject(this.#end.error);
    if (this.#end) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#taker = { resolve, reject };
    });
  }
}
