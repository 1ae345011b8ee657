/** How far V8 lets garbage grow between two major collections. */
import { setFlagsFromString } from 'node:v8';

/** Of what lived after the last one, in percent; V8's own rule lets a small heap grow to four times that. */
const PERCENT = 100;

/**
 * Has V8 collect before the heap is twice what lives in it, and make what a request needs where it is soon collected.
 *
 * A flood of requests otherwise leaves 70 MB of empty pages, which V8 gives back only after seconds of rest, and garbage of the old
 * generation holds the bytes of bodies outside of the heap as well. Nearly all of that garbage was made there: what lived long while a
 * process started, V8 goes on making among what lives for ever (pretenuring by allocation site), and all that hangs on it stays with it. Of a
 * validation that was a tenth of what it allocates, the token with it.
 *
 * Takes hold in the next turn of the loop: as options of the start, or before what was compiled is written, they would have V8
 * refuse the compiled code of Node and ours.
 */
export const growSlowly = (): void => {
  setImmediate(() => setFlagsFromString(`--heap-growing-percent=${PERCENT} --no-allocation-site-pretenuring`));
};
