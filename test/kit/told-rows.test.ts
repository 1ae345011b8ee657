import { expect, test } from 'vitest';
import { iterate, pour, type RowSource, type Taker, tell } from '../../shared/kit/told-rows.ts';

/** A source that tells by hand. */
const byHand = () => {
  let taker: Taker<number> | undefined;
  const source: RowSource<number> = {
    each: (given) => {
      taker = given;
    },
    close: () => taker?.over(),
  };
  const fail = (thrown: unknown) => taker!.over({ thrown });
  return { source, tell: (row: number) => taker!.take(row), fail, close: source.close };
};
const none = async function* (): AsyncGenerator<number> {};

test('rows that are iterated over come one by one: the next waits until it is asked for', async () => {
  const { source, tell, close } = byHand();
  const rows = iterate(source);
  const first = rows.next();
  const taken = tell(1) as Promise<void>;
  expect(await first).toEqual({ done: false, value: 1 });
  const second = rows.next();
  await taken;
  tell(2);
  expect((await second).value).toBe(2);
  const third = rows.next();
  close();
  expect(await third).toEqual({ done: true, value: undefined });
  expect((await rows.next()).done).toBe(true);
});

test('an end that nobody waited for is told to who asks next, once', async () => {
  const { source, tell, fail } = byHand();
  const rows = iterate(source);
  const first = rows.next();
  tell(1);
  await first;
  fail(new Error('gone'));
  await new Promise(setImmediate);
  await expect(rows.next()).rejects.toThrow('gone');
  expect((await rows.next()).done).toBe(true);
});

test('leaving them closes the source at once, though nothing comes', async () => {
  const { source } = byHand();
  const rows = iterate(source);
  const first = rows.next();
  await rows.return!();
  expect((await first).done).toBe(true);
});

test('what happens becomes one row, none or several, after those that come first; and it is left once', async () => {
  const by = byHand();
  const got: number[] = [];
  let left = 0;
  const rows = tell<number, number>({
    open: () => by.source,
    first: async function* () {
      yield 0;
    },
    rowsOf: (item) => {
      if (item === 2) return undefined;
      return item === 3
        ? (async function* () {
            yield* [3, 4];
          })()
        : item;
    },
    left: () => {
      left += 1;
    },
  });
  const over = pour(rows, (row) => void got.push(row));
  await new Promise(setImmediate);
  for (const item of [1, 2, 3]) await by.tell(item);
  expect(got).toEqual([0, 1, 3, 4]);
  rows.close();
  await over;
  expect(left).toBe(1);
});

test('rows that were closed before anybody wanted them open nothing', async () => {
  const rows = tell<number, number>({
    open: () => {
      throw new Error('was opened');
    },
    first: none,
    rowsOf: (item) => item,
    left: () => {},
  });
  rows.close();
  await pour(rows, () => {});
});
