/** Whose turn it is: requests of many connections on one event loop. */

/** How long requests are begun before the loop looks at its sockets again. */
const SLICE_MS = 5;

const nextTick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
const nextLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Begins work at once while there is little, and otherwise one piece for each connection in turn: who sends one request
 * waits for one of each other connection at most, and not for all of theirs.
 *
 * @example turns.take(session, () => handler(request, response));
 */
export class Turns {
  /** By connection, in the order of their turns. */
  readonly #waiting = new Map<object, (() => void)[]>();
  /** When this slice began; 0 between slices. */
  #since = 0;
  #serving = false;
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
      setImmediate(() => void this.#serve());
    }
    const own = this.#waiting.get(connection);
    if (own) own.push(work);
    else this.#waiting.set(connection, [work]);
  }

  async #serve(): Promise<void> {
    let since = this.#now();
    for (let work = this.#next(); work; work = this.#next()) {
      work();
      // what it goes on with right away belongs to its turn
      await nextTick();
      if (this.#now() - since < SLICE_MS) continue;
      await nextLoop();
      since = this.#now();
    }
    this.#serving = false;
  }

  #next(): (() => void) | undefined {
    for (const [connection, own] of this.#waiting) {
      this.#waiting.delete(connection);
      const work = own.shift();
      if (own.length > 0) this.#waiting.set(connection, own);
      return work;
    }
    return undefined;
  }
}

/** A process has one event loop, and so one order of turns for all of its doors. */
export const turns = new Turns();
