/** 53 bits of a text (cyrb53, public domain): as many as a number holds exactly. */
const marked = (id: string): number => {
  let [one, two] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < id.length; at += 1) {
    const unit = id.charCodeAt(at);
    one = Math.imul(one ^ unit, 2_654_435_761);
    two = Math.imul(two ^ unit, 1_597_334_677);
  }
  one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(two ^ (two >>> 13), 3_266_489_909);
  two = Math.imul(two ^ (two >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & two) + (one >>> 0);
};

/** Is no mark. */
const TAKEN = -0.5;

/**
 * The ids that came last, up to a number. With an open connection one lives for as long, so an id is eight bytes of an array
 * and not a text: ten thousand connections remember a million of them. Of two different ids one in 2^53 is taken for the
 * other, which costs a frame that would otherwise be told; nobody is let in by it.
 *
 * @example const told = new LastIds(50); told.add('a'); // true; and false the second time
 */
export class LastIds {
  readonly #most: number;
  readonly #marks: number[] = [];
  /** Where the next one goes, once there are as many as there may be: in the place of the oldest. */
  #next = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @returns false for one that it holds */
  add(id: string): boolean {
    const mark = marked(id);
    if (this.#marks.includes(mark)) return false;
    if (this.#marks.length < this.#most) this.#marks.push(mark);
    else {
      this.#marks[this.#next] = mark;
      this.#next = (this.#next + 1) % this.#most;
    }
    return true;
  }

  /** @returns whether it held it; from now on it does not */
  take(id: string): boolean {
    const at = this.#marks.indexOf(marked(id));
    if (at < 0) return false;
    this.#marks[at] = TAKEN;
    return true;
  }
}
