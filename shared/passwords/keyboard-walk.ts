/** Runs over the keyboard, the alphabet or the digits: what they add to a password is little, however long they are. */

/** Keys of a QWERTY keyboard by row, and how far each row stands to the right of the first, in keys. */
const ROWS: readonly (readonly [string, number])[] = [
  ['1234567890-=', 0],
  ['qwertyuiop[]', 0.5],
  ["asdfghjkl;'", 0.75],
  ['zxcvbnm,./', 1.25],
];
const PLACES = new Map(
  ROWS.flatMap(([keys, shift], row) => [...keys].map((key, at) => [key, [row, at + shift]] as const)),
);
const NEIGHBOURS = 1.3;
/** Shorter ones are in any text: "were", "reed". */
const SHORTEST_RUN = 4;
/** A run adds as much as this many characters. */
const RUN_ADDS = 1;

const areNeighbours = (one: string, other: string): boolean => {
  const [a, b] = [PLACES.get(one), PLACES.get(other)];
  return a !== undefined && b !== undefined && Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!) <= NEIGHBOURS;
};

const follows = (one: string, other: string): boolean => {
  if (one === other) return true;
  const plain = /^[a-z0-9]$/;
  const step = Math.abs(one.codePointAt(0)! - other.codePointAt(0)!);
  return (plain.test(one) && plain.test(other) && step === 1) || areNeighbours(one, other);
};

/**
 * How many characters a text is worth when each run over neighbouring keys, letters or digits counts as one.
 *
 * @param text lower case
 * @example worthWithoutRuns('1q2w3e4r5t6y') // 1
 */
export const worthWithoutRuns = (text: string): number => {
  const points = [...text];
  let worth = 0;
  for (let at = 0; at < points.length; ) {
    let end = at + 1;
    while (end < points.length && follows(points[end - 1]!, points[end]!)) end += 1;
    worth += end - at >= SHORTEST_RUN ? RUN_ADDS : end - at;
    at = end;
  }
  return worth;
};
