/**
 * The ids that came last, up to a number. An array, and no set: with an open connection one lives for as long, and tables of
 * ten thousand sets are most of what their connections hold; so few are looked through as fast.
 *
 * @example const told = new LastIds(50); told.add('a'); // true; and false the second time
 */
export class LastIds {
  readonly #most: number;
  readonly #ids: (string | undefined)[] = [];
  /** Where the next one goes, once there are as many as there may be: in the place of the oldest. */
  #next = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns false for one that it holds */
  add(id: string): boolean {
    if (this.#ids.includes(id)) return false;
    if (this.#ids.length < this.#most) this.#ids.push(id);
    else {
      this.#ids[this.#next] = id;
      this.#next = (this.#next + 1) % this.#most;
    }
    return true;
  }

  /** @returns whether it held it; from now on it does not */
  take(id: string): boolean {
    const at = this.#ids.indexOf(id);
    if (at < 0) return false;
    this.#ids[at] = undefined;
    return true;
  }
}
