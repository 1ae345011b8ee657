/** Asks a second time when the first answer is late, and takes the first that comes. */

/**
 * Runs `attempt`, and once more after `after_ms` without an answer, where `allowed` says so. The first answer counts, and the
 * other attempt's signal is aborted; both have failed when it throws, the first one's error.
 *
 * For what may be done twice only: Dean and Barroso, "The Tail at Scale", 2013.
 */
export const hedged = async <T>(
  attempt: (signal: AbortSignal) => Promise<T>,
  after_ms: number | undefined,
  allowed: () => boolean,
  signal: AbortSignal | undefined,
): Promise<T> => {
  const ended = new AbortController();
  const both = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  const first = attempt(both);
  if (after_ms === undefined) return first;
  try {
    return await new Promise<T>((resolve, reject) => {
      let left = 1;
      let cause: unknown;
      const failed = (thrown: unknown): void => {
        cause ??= thrown;
        left -= 1;
        if (left > 0) return;
        clearTimeout(timer);
        reject(cause);
      };
      const timer = setTimeout(() => {
        if (!allowed()) return;
        left += 1;
        attempt(both).then(resolve, failed);
      }, after_ms);
      first.then((answer) => {
        clearTimeout(timer);
        resolve(answer);
      }, failed);
    });
  } finally {
    ended.abort();
  }
};
