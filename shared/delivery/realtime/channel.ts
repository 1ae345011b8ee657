/** The frames of one connection, held until it takes them, and not for longer than it may be slow. */
import { AppError } from '../../kit/errors.ts';
import type { Channel, ChannelTaker, Frame, Gap, Listener, Renewal } from '../../ports/realtime.ts';
import type { Span } from '../../ports/tracer.ts';

/** Frames that wait for a listener. One that is further behind is told so and has to come back. */
export const MOST_WAITING = 1_000;

type Item = Frame | Gap | Renewal;

export class QueuedChannel implements Channel {
  readonly listener: Listener;
  /** Unix ms at which it is to be told that it is still there. */
  renew_at = 0;
  readonly #onClose: (channel: QueuedChannel) => void;
  // most channels wait for frames, and not the other way round
  #waiting: Item[] | undefined;
  /** Of frames that wait, where their traces are recorded. */
  #spans: Map<Item, Span> | undefined;
  #taker: ChannelTaker | undefined;
  /** The last one that was handed on is not taken yet. */
  #busy = false;
  #end: { error?: unknown } | undefined;

  constructor(listener: Listener, onClose: (channel: QueuedChannel) => void) {
    this.listener = listener;
    this.#onClose = onClose;
  }

  /** @param span ends when the connection takes the item, or never will */
  tell(item: Item, span?: Span): void {
    if (this.#end) span?.end('closed', false);
    else if (this.#taker && !this.#busy && !this.#waiting) {
      this.#hand(item);
      span?.end();
    } else if ((this.#waiting?.length ?? 0) < MOST_WAITING) {
      this.#waiting ??= [];
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

  /** Nothing comes after what waits; without an error it just ends. */
  end(error?: unknown): void {
    if (this.#end) return;
    this.#end = { error };
    this.#onClose(this);
    if (!this.#busy && !this.#waiting) this.#settle();
  }

  close(): void {
    this.#drop('closed');
    this.end();
    this.#settle();
  }

  each(taker: ChannelTaker): void {
    this.#taker = taker;
    this.#handOn();
  }

  /** Gives up what waits. */
  #drop(why: string): void {
    this.#waiting = undefined;
    for (const span of this.#spans?.values() ?? []) span.end(why, false);
    this.#spans = undefined;
  }

  #hand(item: Item): void {
    try {
      const taken = this.#taker!.take(item);
      if (!taken) return;
      this.#busy = true;
      taken.then(
        () => this.#handOn(),
        (thrown) => this.#fail(thrown),
      );
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #handOn(): void {
    this.#busy = false;
    while (this.#taker && !this.#busy && this.#waiting) {
      const item = this.#waiting.shift()!;
      if (this.#waiting.length === 0) this.#waiting = undefined;
      this.#spans?.get(item)?.end();
      this.#spans?.delete(item);
      this.#hand(item);
    }
    if (this.#end && !this.#busy && !this.#waiting) this.#settle();
  }

  /** Who takes them can't. */
  #fail(thrown: unknown): void {
    this.#drop('closed');
    this.#busy = false;
    this.end(thrown);
    this.#settle();
  }

  #settle(): void {
    const taker = this.#taker;
    this.#taker = undefined;
    const { error } = this.#end!;
    taker?.over(error === undefined ? undefined : { thrown: error });
  }
}
