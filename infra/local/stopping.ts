/** How a program of this machine ends: Ctrl-C and `kill` let it finish what is in flight, and it says so with 0. */

/** Ctrl-C reaches a program twice, from the terminal and from npm; only a later one means impatience. */
const TWICE_MS = 1_000;

/**
 * Stops in an orderly way at the first SIGINT or SIGTERM, at once and with 1 at a later one.
 *
 * npm hands signals to what it starts: scripts of package.json begin with `exec`, for a shell in between would die of
 * SIGTERM alone, and keep SIGINT to itself.
 *
 * @returns the same stop, for a program that ends by itself; `code` is 0 when left out
 */
export const stopsBySignal = (stop: () => Promise<void>): ((code?: number) => Promise<void>) => {
  let since = 0;
  const end = async (code = 0): Promise<void> => {
    if (since && performance.now() - since > TWICE_MS) process.exit(1);
    if (since) return;
    since = performance.now();
    await stop();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end());
  return end;
};
