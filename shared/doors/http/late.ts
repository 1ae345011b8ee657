/** Bodies that take too long: one look at all of them now and then costs less than a timer for each. */

/** Milliseconds between two looks. */
const LOOK_MS = 100;

/** A ring. A set would make a table for every few bodies, each of which keeps the next from being collected. */
class Waiting {
  before: Waiting = this;
  after: Waiting = this;
  /** As performance.now() counts. */
  readonly until: number;
  readonly late: () => void;

  constructor(until: number, late: () => void) {
    this.until = until;
    this.late = late;
  }

  leave(): void {
    this.before.after = this.after;
    this.after.before = this.before;
    this.before = this;
    this.after = this;
  }
}

const waiting = new Waiting(Number.POSITIVE_INFINITY, () => {});
let looking = false;

const look = (): void => {
  const now = performance.now();
  const due: Waiting[] = [];
  for (let each = waiting.after; each !== waiting; each = each.after) if (each.until <= now) due.push(each);
  for (const each of due) {
    each.leave();
    each.late();
  }
};

/**
 * Calls `late` when it was not called off by a time (up to 100 ms later).
 *
 * @param until as performance.now() counts
 * @returns what calls it off
 */
export const unlessBy = (until: number, late: () => void): (() => void) => {
  if (!looking) setInterval(look, LOOK_MS).unref();
  looking = true;
  const entry = new Waiting(until, late);
  entry.before = waiting.before;
  entry.after = waiting;
  entry.before.after = entry;
  waiting.before = entry;
  return () => entry.leave();
};
