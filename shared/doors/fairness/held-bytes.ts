/** Bytes of large messages that are not whole yet, of all doors of a process together. */
import type { EventEmitter } from 'node:events';

/** Of each message so much is not counted: small ones are never given up, whatever others hold. */
const UNCOUNTED = 16_384;
const IN_ALL = 16 * 1024 * 1024;

/**
 * What large messages may hold in memory while they come. Bounds on one message and on the number of streams are not enough:
 * a thousand streams, each with most of its 4 MiB, would be four gigabytes.
 *
 * When there is no more room, the message that has been coming for longest is given up: who sends half of some and stops
 * would otherwise keep everybody else's out.
 */
export class HeldBytes {
  readonly #most: number;
  /** Those that count, with how much, in the order in which they began to. */
  readonly #coming = new Map<Held, number>();
  #now = 0;

  constructor(most = IN_ALL) {
    this.#most = most;
  }

  get now(): number {
    return this.#now;
  }

  /** @param bytes that it counts now; none: it is whole, or given up */
  count(held: Held, bytes: number): void {
    this.#now += bytes - (this.#coming.get(held) ?? 0);
    if (bytes === 0) this.#coming.delete(held);
    else this.#coming.set(held, bytes);
    for (const [oldest] of this.#coming) {
      if (this.#now <= this.#most) return;
      oldest.giveUp();
    }
  }
}

/** A process has one memory, and so one bound for all of its doors. */
export const heldBytes = new HeldBytes();

/** One message, or the messages of one stream, one after the other. It costs next to nothing until one is large. */
export class Held {
  readonly #source: EventEmitter;
  readonly #refuse: () => void;
  readonly #of: HeldBytes;
  #watched = false;
  #over = false;

  /**
   * @param source what it comes from: when that closes, nothing is held
   * @param refuse lets go of what is held, for good
   */
  constructor(source: EventEmitter, refuse: () => void, of = heldBytes) {
    this.#source = source;
    this.#refuse = refuse;
    this.#of = of;
  }

  /** Says how long the message is now. */
  grow(size: number): void {
    if (this.#over || size <= UNCOUNTED) return;
    if (!this.#watched) {
      this.#watched = true;
      const end = () => this.end();
      this.#source.once('close', end).once('aborted', end);
    }
    this.#of.count(this, size - UNCOUNTED);
  }

  /** It is whole, or not wanted any more. */
  end(): void {
    if (this.#watched) this.#of.count(this, 0);
  }

  giveUp(): void {
    this.#over = true;
    this.end();
    this.#refuse();
  }
}
