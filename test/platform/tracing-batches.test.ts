/** Spans wait for their batch, and for no longer than a collector deserves. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Batch, Batches } from '../../shared/tracing/otlp-batches.ts';
import type { RecordedSpan } from '../../shared/tracing/otlp-span.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A writer that counts, and a collector that takes each batch when it is told to. */
const opened = () => {
  const writer = {
    count: 0,
    put: () => void writer.count++,
    take: () => {
      writer.count = 0;
      return new Uint8Array();
    },
  };
  const asked: number[] = [];
  const takes: (() => void)[] = [];
  const told = { dropped: 0 };
  const send = ({ count }: Batch): Promise<void> => {
    asked.push(count);
    return new Promise((done) => takes.push(done));
  };
  const config = { most: 512, waiting: 2_048, delay_ms: 5_000 };
  const batches = new Batches(config, writer, send, () => void told.dropped++);
  const put = (many: number): void => {
    for (let n = 0; n < many; n += 1) batches.put({} as RecordedSpan);
  };
  const take = async (): Promise<void> => {
    takes.shift()!();
    await new Promise((turn) => setImmediate(turn));
  };
  return { batches, asked, put, take, told };
};

test('spans leave when the first of them has waited for five seconds, or as soon as they are 512, where that is said', () => {
  const { asked, put } = opened();
  put(1);
  vi.advanceTimersByTime(4_000);
  put(1);
  vi.advanceTimersByTime(999);
  expect(asked).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(asked).toEqual([2]);
  const other = opened();
  other.put(511);
  expect(other.asked).toEqual([]);
  other.put(1);
  expect(other.asked).toEqual([512]);
});

test('one batch is on its way at a time, as many spans wait as may, and the newest beyond them are dropped and counted', async () => {
  const { batches, asked, put, take, told } = opened();
  put(10_000);
  expect(asked).toEqual([512]);
  const closed = batches.close();
  for (let n = 0; n < 5; n += 1) await take();
  await closed;
  expect(asked).toEqual([512, 512, 512, 512, 512]);
  expect(told.dropped).toBe(10_000 - 5 * 512);
});

test('spans that are late behind a slow batch leave with the next one, and take no room from others', async () => {
  const { batches, asked, put, take, told } = opened();
  put(1);
  vi.advanceTimersByTime(5_000);
  for (let n = 0; n < 10; n += 1) {
    put(1);
    vi.advanceTimersByTime(5_000);
  }
  expect([asked, told.dropped]).toEqual([[1], 0]);
  await take();
  expect(asked).toEqual([1, 10]);
  put(1);
  await take();
  expect(asked).toEqual([1, 10]);
  vi.advanceTimersByTime(5_000);
  expect(asked).toEqual([1, 10, 1]);
  const closed = batches.close();
  await take();
  await closed;
  expect(told.dropped).toBe(0);
});

test('what is there leaves with the end, which waits for it; nothing comes after', async () => {
  const { batches, asked, put, take } = opened();
  put(3);
  let ended = false;
  const closed = batches.close().then(() => {
    ended = true;
  });
  expect([asked, ended]).toEqual([[3], false]);
  await take();
  await closed;
  put(600);
  vi.advanceTimersByTime(10_000);
  expect(asked).toEqual([3]);
});
