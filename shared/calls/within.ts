import { AppError } from '../kit/errors.ts';

/** The longest that a timer of Node can wait. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * What a promise gives, or `deadline_exceeded` at `until` (unix ms of the machine), or `cancelled` when `signal` aborts. What was
 * begun goes on by itself.
 */
export const within = <T>(work: Promise<T>, until: number, signal?: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new AppError('deadline_exceeded')),
      Math.min(FOREVER_MS, Math.max(0, until - Date.now())),
    );
    const gone = (): void => reject(new AppError('cancelled'));
    if (signal?.aborted) gone();
    signal?.addEventListener('abort', gone, { once: true });
    work.then(resolve, reject).finally(() => {
      clearTimeout(late);
      signal?.removeEventListener('abort', gone);
    });
  });
