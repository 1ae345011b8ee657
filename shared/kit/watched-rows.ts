/** Rows on their way out, and somebody who is told when they ended. */

/** How rows ended: all of them went, nobody wanted more, or what was thrown. */
export type RowsEnd = { how: 'whole' | 'left' } | { how: 'failed'; thrown: unknown };

/**
 * The same rows; `ended` is called once, also for rows that nobody ever asked for and then let go (`return`).
 *
 * @example watchedRows(response.rows, ({ how }) => span.end(how === 'failed' ? 'internal' : undefined))
 */
export const watchedRows = <T>(rows: AsyncIterable<T>, ended: (end: RowsEnd) => void): AsyncIterable<T> => ({
  [Symbol.asyncIterator]: () => {
    const inner = rows[Symbol.asyncIterator]();
    let over = false;
    const end = (how: RowsEnd): void => {
      if (!over) ended(how);
      over = true;
    };
    const told = async (step: Promise<IteratorResult<T>>): Promise<IteratorResult<T>> => {
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
      next: () => told(inner.next()),
      return: async (value) => {
        end({ how: 'left' });
        return (await inner.return?.(value)) ?? { done: true, value };
      },
    };
  },
});

export const isRows = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
