/** Rows of a stream by the handful: as many as are there, so that nobody waits for a handful to be full. */

/** Milliseconds that a row which is there may wait for others. */
const LINGER_MS = 2;

/**
 * Gathers rows, at most `most` at a time. A caller who waits for the answer to a row before the next one is answered at once;
 * from one who sends many they are taken many at a time. An end by an error is told after the rows before it.
 *
 * @example for await (const rows of batches(input, 100)) { … }
 */
export async function* batches<T>(rows: AsyncIterable<T>, most: number): AsyncGenerator<T[]> {
  const source = rows[Symbol.asyncIterator]();
  let open = true;
  try {
    for (let next = source.next(); open; ) {
      const first = await next;
      if (first.done) break;
      const batch = [first.value];
      next = source.next();
      // judged below, or by the next turn; never unhandled
      next.catch(() => {});
      const late = new AbortController();
      const lingered = new Promise<undefined>((resolve) => {
        const timer = setTimeout(resolve, LINGER_MS, undefined);
        late.signal.addEventListener('abort', () => clearTimeout(timer));
      });
      while (batch.length < most) {
        const came = await Promise.race([next.catch(() => undefined), lingered]);
        if (!came) break;
        if (came.done) {
          open = false;
          break;
        }
        batch.push(came.value);
        next = source.next();
        next.catch(() => {});
      }
      late.abort();
      yield batch;
    }
  } finally {
    await source.return?.();
  }
}

/**
 * Works on what comes while what came before is still being worked on, at most `most` at a time, and gives the results in
 * the order of what came, each as soon as it is there: nobody has to send more to be answered. An error is told after the
 * results before it.
 *
 * @example for await (const answers of ahead(batches(rows, 100), answerAll, 3)) { … }
 */
export async function* ahead<T, R>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  most: number,
): AsyncGenerator<R> {
  const source = items[Symbol.asyncIterator]();
  const flying: Promise<R>[] = [];
  let next: Promise<IteratorResult<T>> | undefined;
  let open = true;
  try {
    while (open || flying.length) {
      if (open && flying.length < most) {
        next ??= source.next();
        next.catch(() => {});
        const [first] = flying;
        // an error of the source waits for the results before it
        const came = await (first ? Promise.race([next.catch(() => undefined), first.then(() => undefined)]) : next);
        if (came) {
          next = undefined;
          open = !came.done;
          if (came.done) continue;
          const working = work(came.value);
          working.catch(() => {});
          flying.push(working);
          continue;
        }
      }
      yield await flying.shift()!;
    }
  } finally {
    // what was begun ends before whoever asked goes on
    await Promise.allSettled(flying);
    await source.return?.();
  }
}
