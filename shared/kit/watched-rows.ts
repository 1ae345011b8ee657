/** Rows on their way out, and somebody who is told when they ended. */
import { isTold, told } from './told-rows.ts';

/** How rows ended: all of them went, nobody wanted more, or what was thrown. */
export type RowsEnd = { how: 'whole' | 'left' } | { how: 'failed'; thrown: unknown };

/**
 * The same rows; `ended` is called once, also for rows that nobody ever asked for and then let go (`return`).
 *
 * @example watchedRows(response.rows, ({ how }) => span.end(how === 'failed' ? 'internal' : undefined))
 */
export const watchedRows = <T>(rows: AsyncIterable<T>, ended: (end: RowsEnd) => void): AsyncIterable<T> => {
  if (!isTold(rows)) return watchedPulls(rows, ended);
  let left = false;
  return told({
    each: (taker) =>
      rows.each({
        take: (row) => taker.take(row),
        over: (failure) => {
          ended(failure ? { how: 'failed', ...failure } : { how: left ? 'left' : 'whole' });
          taker.over(failure);
        },
      }),
    close: () => {
      left = true;
      rows.close();
    },
  });
};

const watchedPulls = <T>(rows: AsyncIterable<T>, ended: (end: RowsEnd) => void): AsyncIterable<T> => ({
  [Symbol.asyncIterator]: () => {
    const inner = rows[Symbol.asyncIterator]();
    let over = false;
    const end = (how: RowsEnd): void => {
      if (!over) ended(how);
      over = true;
    };
    const watched = async (step: Promise<IteratorResult<T>>): Promise<IteratorResult<T>> => {
      try {
        const result = await step;
        if (result.done) end({ how: 'whole' });
        return result;
      } catch (thrown) {
        end({ how: 'failed', thrown });
        throw thrown;
      }
    };
    return {
      next: () => watched(inner.next()),
      return: async (value) => {
        end({ how: 'left' });
        return (await inner.return?.(value)) ?? { done: true, value };
      },
    };
  },
});
