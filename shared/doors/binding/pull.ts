/** What a readable stream brings, pulled piece by piece, so that its sender waits while nobody asks. */
import type { Readable } from 'node:stream';
import type { Life } from './life.ts';

/**
 * Pulls chunks or objects until the end. Unlike a stream's own iteration it leaves the stream as it is when it is left
 * early: an answer may still have to go out on the same connection.
 *
 * @param life what ends it before; that the sender went away is told to it
 * @throws AppError why the life ended
 */
export async function* pull<T>(source: Readable, life: Life): AsyncGenerator<T> {
  let wake = (): void => {};
  const woken = (): void => wake();
  const gone = (): void => {
    if (!source.readableEnded) life.gone();
  };
  source.on('readable', woken).on('end', woken).on('close', gone).on('error', gone);
  try {
    for (;;) {
      const chunk = source.read() as T | null;
      if (chunk !== null) {
        life.moved();
        yield chunk;
      } else if (source.readableEnded) {
        // a stream that was reset says that it ended, and in the same turn that it was cut
        await new Promise(setImmediate);
        life.signal.throwIfAborted();
        return;
      } else {
        const more = new Promise<void>((resolve) => {
          wake = resolve;
        });
        // what happened meanwhile is not told again
        if (source.readableLength === 0 && !source.readableEnded) {
          life.awaitsCaller = true;
          await life.until(more);
          life.awaitsCaller = false;
        }
      }
    }
  } finally {
    life.awaitsCaller = false;
    source.off('readable', woken).off('end', woken).off('close', gone);
  }
}
