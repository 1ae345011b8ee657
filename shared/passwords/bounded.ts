/** Work that is bounded: so many at a time, so many waiting, the rest refused. */
import { AppError } from '../kit/errors.ts';

/**
 * A gate for costly work.
 *
 * @param told how many wait, whenever that changes
 * @throws (from the returned function) AppError `too_many_requests` with `retry_after` when the queue is full
 * @example const gate = bounded(2, 64); await gate(() => costly());
 */
export const bounded = (parallel: number, queue: number, told: (waiting: number) => void = () => {}) => {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running < parallel) running += 1;
    else if (waiting.length < queue)
      await new Promise<void>((go) => {
        waiting.push(go);
        told(waiting.length);
      });
    else throw new AppError('too_many_requests', { detail: 'Too many password checks at once', retry_after: 1 });
    try {
      return await work();
    } finally {
      // the place is handed on, not given back and taken again, so that nobody slips in between
      const next = waiting.shift();
      if (next) {
        told(waiting.length);
        next();
      } else running -= 1;
    }
  };
};
