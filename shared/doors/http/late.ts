/** Bodies that take too long: one look at all of them now and then costs less than a timer for each. */

/** Milliseconds between two looks. */
const LOOK_MS = 100;

interface Waiting {
  /** As performance.now() counts. */
  until: number;
  late(): void;
}

const waiting = new Set<Waiting>();
let looking = false;

const look = (): void => {
  const now = performance.now();
  for (const each of waiting) {
    if (each.until > now) continue;
    waiting.delete(each);
    each.late();
  }
};

/**
 * Calls `late` when it was not called off within `ms` milliseconds (up to 100 more).
 *
 * @returns what calls it off
 */
export const unlessWithin = (ms: number, late: () => void): (() => void) => {
  if (!looking) setInterval(look, LOOK_MS).unref();
  looking = true;
  const entry: Waiting = { until: performance.now() + ms, late };
  waiting.add(entry);
  return () => void waiting.delete(entry);
};
