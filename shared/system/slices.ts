/** Work on many things that does not keep the loop from its sockets. */
import { setImmediate as nextLoop } from 'node:timers/promises';

/** How long things are worked on before the loop looks at its sockets again. */
const SLICE_MS = 5;

/** Does something to each, for 5 ms a turn of the loop. What comes to a set meanwhile may be among them, what went is not. */
export const inSlices = async <T>(things: Iterable<T>, work: (thing: T) => void): Promise<void> => {
  let since = performance.now();
  for (const thing of things) {
    work(thing);
    if (performance.now() - since < SLICE_MS) continue;
    await nextLoop();
    since = performance.now();
  }
};
