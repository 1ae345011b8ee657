/**
 * Lets in a few at a time, in the order in which they come. Who is on his way in holds ten times what he holds afterwards. Where
 * thousands are at once, as when they come back after a restart, that outlives the scavenges of V8, is moved to where what stays is
 * kept, and leaves holes there that the heap does not give back.
 *
 * @example new Entrance(16).take(() => letIn(connection));
 */
export class Entrance {
  readonly #most: number;
  readonly #waiting: (() => Promise<void>)[] = [];
  #entering = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @param enter begins when it is its turn, and does not reject */
  take(enter: () => Promise<void>): void {
    if (this.#entering >= this.#most) this.#waiting.push(enter);
    else void this.#begin(enter);
  }

  async #begin(enter: () => Promise<void>): Promise<void> {
    this.#entering += 1;
    await enter();
    this.#entering -= 1;
    const next = this.#waiting.shift();
    if (next) void this.#begin(next);
  }
}
