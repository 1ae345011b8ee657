/** How long a stream lives: until it is done, its caller goes away, or nothing moves for too long. */
import { AppError } from '../../kit/errors.ts';

export class Life {
  readonly #abort = new AbortController();
  readonly #waiting = new Set<(reason: AppError) => void>();
  readonly #idle: NodeJS.Timeout;
  #done = false;
  /** Whose turn it is when nothing moves: the caller's (his rows are waited for) or ours. */
  awaitsCaller = false;

  /** @param idle milliseconds without a row either way */
  constructor(idle: number) {
    const late = (): void =>
      this.end(
        new AppError(this.awaitsCaller ? 'request_timeout' : 'deadline_exceeded', {
          detail: `Nothing moved for ${idle} ms`,
        }),
      );
    this.#idle = setTimeout(late, idle).unref();
  }

  /** Aborted when the stream is over before it is done. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** A row moved. */
  moved(): void {
    this.#idle.refresh();
  }

  /** The stream is done: nothing is late any more. */
  done(): void {
    this.#done = true;
    clearTimeout(this.#idle);
    this.#waiting.clear();
  }

  /** The stream is over before it is done: whoever waits is told why. */
  end(reason: AppError): void {
    clearTimeout(this.#idle);
    if (this.#done || this.signal.aborted) return;
    this.#abort.abort(reason);
    for (const tell of this.#waiting) tell(reason);
    this.#waiting.clear();
  }

  /** The caller went away. */
  gone(): void {
    this.end(new AppError('cancelled', { detail: 'The stream was broken off' }));
  }

  /** Waits for something, but not longer than the stream lives. @throws AppError when it ended before */
  async until<T>(work: PromiseLike<T>): Promise<T> {
    this.signal.throwIfAborted();
    let tell: ((reason: AppError) => void) | undefined;
    const ended = new Promise<never>((_, reject) => {
      tell = reject;
      this.#waiting.add(reject);
    });
    try {
      return await Promise.race([work, ended]);
    } finally {
      this.#waiting.delete(tell!);
    }
  }
}
