/** Bytes of large messages that are not whole yet, of all doors of a process together. */

/** Of each message so much is not counted: small ones are never refused, whatever others hold. */
const UNCOUNTED = 16_384;
const IN_ALL = 16 * 1024 * 1024;

/**
 * What large messages may hold in memory while they come. Bounds on one message and on the number of streams are not enough:
 * two thousand streams, each with most of its 4 MiB, would be eight gigabytes.
 */
export class HeldBytes {
  readonly #most: number;
  #now = 0;

  constructor(most = IN_ALL) {
    this.#most = most;
  }

  get now(): number {
    return this.#now;
  }

  /** One message, or the messages of one stream, one after the other. */
  begin(): Held {
    let counted = 0;
    const change = (to: number): boolean => {
      if (to > counted && this.#now + to - counted > this.#most) return false;
      this.#now += to - counted;
      counted = to;
      return true;
    };
    return { grow: (size) => size <= UNCOUNTED || change(size - UNCOUNTED), end: () => void change(0) };
  }
}

export interface Held {
  /** Says how long it is now. False when there is no room for that: who holds it has to let it go. */
  grow(size: number): boolean;
  /** It is whole, or given up. */
  end(): void;
}

/** A process has one memory, and so one bound for all of its doors. */
export const heldBytes = new HeldBytes();
