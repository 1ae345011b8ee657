import { expect, test, vi } from 'vitest';
import { risingUuids } from '../../shared/system/ids.ts';

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('ids are UUIDv7 that rise, also many within a millisecond and past the end of a pool of random bytes', () => {
  const uuid = risingUuids();
  const made = Array.from({ length: 5_000 }, uuid);
  for (const each of made) expect(each).toMatch(V7);
  expect(made).toEqual([...new Set(made)].sort());
});

test('ids rise when the clock goes back', () => {
  const uuid = risingUuids();
  const before = uuid();
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 60_000);
  try {
    expect(uuid() > before).toBe(true);
  } finally {
    now.mockRestore();
  }
});

test('two sources make no id twice', () => {
  const [one, two] = [risingUuids(), risingUuids()];
  const made = Array.from({ length: 2_000 }, (_, n) => (n % 2 ? one() : two()));
  expect(new Set(made).size).toBe(made.length);
});
