import { expect, test } from 'vitest';
import { ahead, batches } from '../../shared/kit/batches.ts';

const all = async <T>(rows: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
};

const counting = async function* (count: number) {
  for (let n = 0; n < count; n++) yield n;
};

test('rows that are there come many at a time, each once and in order', async () => {
  for (const [count, most] of [
    [0, 4],
    [1, 4],
    [4, 4],
    [9, 4],
    [1_000, 128],
  ] as const) {
    const found = await all(batches(counting(count), most));
    expect(found.flat()).toEqual(Array.from({ length: count }, (_, n) => n));
    expect(Math.max(0, ...found.map(({ length }) => length))).toBeLessThanOrEqual(most);
    expect(found.length).toBeLessThanOrEqual(Math.ceil(count / most) + 1);
  }
});

test('a row does not wait for one that comes only when it was answered', async () => {
  let go = (): void => {};
  const source = (async function* () {
    yield 'first';
    await new Promise<void>((resolve) => {
      go = resolve;
    });
    yield 'second';
  })();
  const rows = batches(source, 10);
  expect((await rows.next()).value).toEqual(['first']);
  go();
  expect(await all(rows)).toEqual([['second']]);
});

test('an end by an error is told after the rows before it', async () => {
  const rows = batches(
    (async function* () {
      yield* [1, 2, 3];
      throw new Error('cut');
    })(),
    10,
  );
  expect((await rows.next()).value).toEqual([1, 2, 3]);
  await expect(rows.next()).rejects.toThrow('cut');
});

test('who leaves ends the source', async () => {
  let ended = false;
  const rows = batches(
    (async function* () {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        ended = true;
      }
    })(),
    3,
  );
  await rows.next();
  await rows.return(undefined);
  expect(ended).toBe(true);
});

test('what comes is worked on side by side, and answered in its order', async () => {
  let busy = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const work = async (n: number): Promise<number> => {
    busy += 1;
    most = Math.max(most, busy);
    // the later one is done first
    await new Promise<void>((resolve) => {
      waiting.unshift(resolve);
      if (waiting.length === 3 || n === 9) for (const go of waiting.splice(0)) go();
    });
    busy -= 1;
    return n;
  };
  expect(await all(ahead(counting(10), work, 3))).toEqual(Array.from({ length: 10 }, (_, n) => n));
  expect(most).toBe(3);
});

test('a result does not wait for more to come, and an error is told after the results before it', async () => {
  const cut = Promise.withResolvers<void>();
  const source = (async function* () {
    yield 1;
    await cut.promise;
    yield 2;
    throw new Error('cut');
  })();
  const results = ahead(source, async (n) => n * 10, 3);
  expect((await results.next()).value).toBe(10);
  cut.resolve();
  expect((await results.next()).value).toBe(20);
  await expect(results.next()).rejects.toThrow('cut');
});

test('what could not be worked on is told in its place, and what was begun ends before', async () => {
  const ended: number[] = [];
  const work = async (n: number): Promise<number> => {
    if (n === 1) throw new Error('broken');
    await new Promise((resolve) => setImmediate(resolve));
    ended.push(n);
    return n;
  };
  const results = ahead(counting(5), work, 3);
  expect((await results.next()).value).toBe(0);
  await expect(results.next()).rejects.toThrow('broken');
  expect(ended).toEqual(expect.arrayContaining([0, 2]));
});
