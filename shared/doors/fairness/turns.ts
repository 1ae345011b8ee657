/** Whose turn it is: requests of many connections on one event loop. */

/**
 * How long requests are begun before the loop looks at its sockets again, and takes one new connection: libuv takes no more than
 * one a turn of its loop, so turns that are long keep newcomers in the queue of the kernel.
 */
const SLICE_MS = 2;

/** Pieces that wait for a connection up to which that is little. */
const LITTLE = 4;

const settled = Promise.resolve();

/**
 * Begins work at once while there is little, and otherwise one piece for each connection in turn. Connections with little that
 * waits have every other turn: who sends a request now and then waits for others who do, and not for those who send many.
 *
 * @example turns.take(session, () => handler(request, response));
 */
export class Turns {
  /** By connection, in the order of their turns: those with little that waits, and those with more. */
  readonly #light = new Map<object, (() => void)[]>();
  readonly #heavy = new Map<object, (() => void)[]>();
  #lightFirst = false;
  /** When this slice began; 0 between slices. */
  #since = 0;
  #serving = false;
  /** When the slice began in which those that waited are begun. */
  #slice = 0;
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  readonly #endSlice = (): void => {
    this.#since = 0;
  };

  /** Whether work may begin at once, with nobody before it. */
  isFree(): boolean {
    if (this.#serving) return false;
    const now = this.#now();
    if (this.#since === 0) {
      this.#since = now;
      setImmediate(this.#endSlice);
      return true;
    }
    return now - this.#since < SLICE_MS;
  }

  take(connection: object, work: () => void): void {
    if (this.isFree()) {
      work();
      return;
    }
    if (!this.#serving) {
      this.#serving = true;
      setImmediate(this.#serve);
    }
    const own = this.#heavy.get(connection) ?? this.#light.get(connection) ?? [];
    own.push(work);
    if (own.length === 1) this.#light.set(connection, own);
    if (own.length === LITTLE + 1 && this.#light.delete(connection)) this.#heavy.set(connection, own);
  }

  readonly #serve = (): void => {
    this.#slice = this.#now();
    this.#one();
  };

  readonly #one = (): void => {
    const work = this.#next();
    if (!work) {
      this.#serving = false;
      return;
    }
    try {
      work();
    } finally {
      // what it goes on with right away belongs to its turn
      process.nextTick(this.#then);
    }
  };

  readonly #then = (): void => void settled.then(this.#go);

  readonly #go = (): void => {
    if (this.#now() - this.#slice < SLICE_MS) this.#one();
    else setImmediate(this.#serve);
  };

  #next(): (() => void) | undefined {
    this.#lightFirst = !this.#lightFirst;
    const [one, other] = this.#lightFirst ? [this.#light, this.#heavy] : [this.#heavy, this.#light];
    const line = one.size > 0 ? one : other;
    for (const [connection, own] of line) {
      line.delete(connection);
      const work = own.shift();
      if (own.length > 0) (own.length > LITTLE ? this.#heavy : this.#light).set(connection, own);
      return work;
    }
    return undefined;
  }
}

/** A process has one event loop, and so one order of turns for all of its doors. */
export const turns = new Turns();
