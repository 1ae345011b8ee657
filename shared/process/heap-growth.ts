/** How far V8 lets garbage grow between two major collections. */
import { setFlagsFromString } from 'node:v8';

/** Of what lived after the last one, in percent; V8's own rule lets a small heap grow to four times that. */
const PERCENT = 100;

/**
 * Has V8 collect before the heap is twice what lives in it. A flood of requests otherwise leaves 70 MB of empty pages, which V8
 * gives back only after seconds of rest, and garbage of the old generation holds the bytes of bodies outside of the heap as well.
 *
 * Takes hold in the next turn of the loop: as an option of the start, or before what was compiled is written, it would have V8
 * refuse the compiled code of Node and ours.
 */
export const growSlowly = (): void => {
  setImmediate(() => setFlagsFromString(`--heap-growing-percent=${PERCENT}`));
};
