/** Promises about records that end, counters among them. */
import { describe, expect, test } from 'vitest';

import { check, insert, remove, update } from '../../shared/ports/store.ts';
import { hits, people, person } from './store-harness.ts';
import { refusedAt, stored } from './store-steps.ts';
import type { Rig } from './store-suite.ts';

export const expiry = (rig: () => Rig): void => {
  describe('forgets in time', () => {
    test('an expired record is invisible to reads and conditions, and can be inserted over', async () => {
      const { open, clock } = rig();
      const store = await open();
      const ends = clock.now() + 1000;
      await store.transact([insert(people, 'a', person('ann', { city: 'x' }), { expires_at: ends })]);
      clock.pass(999);
      const read = await stored(store, 'a');
      expect(read.expires_at).toBe(ends);
      clock.pass(1);
      expect(await store.get(people, 'a')).toBeUndefined();
      expect((await store.getMany(people, ['a'])).size).toBe(0);
      expect((await store.query(people, 'by_city', 'x')).items).toEqual([]);
      for (const write of [check(people, read), update(people, read, person('bea')), remove(people, read)]) {
        expect(await refusedAt(store.transact([write]))).toBe(0);
      }
      await store.transact([insert(people, 'a', person('cat', { city: 'y' }))]);
      const again = await stored(store, 'a');
      expect(again.value.name).toBe('cat');
      expect(again.expires_at).toBeUndefined();
      expect(again.version).toBeGreaterThan(read.version);
      expect((await store.query(people, 'by_city', 'x')).items).toEqual([]);
      expect((await store.query(people, 'by_city', 'y')).items).toHaveLength(1);
    });

    test('an update keeps the expiry unless it is told another', async () => {
      const { open, clock } = rig();
      const store = await open();
      const ends = clock.now() + 1000;
      await store.transact([insert(people, 'a', person('ann'), { expires_at: ends })]);
      await store.transact([update(people, await stored(store, 'a'), person('bea'))]);
      expect((await stored(store, 'a')).expires_at).toBe(ends);
      await store.transact([update(people, await stored(store, 'a'), person('bea'), { expires_at: ends + 5 })]);
      expect((await stored(store, 'a')).expires_at).toBe(ends + 5);
    });

    test('a counter keeps its first expiry and starts anew after it', async () => {
      const { open, clock } = rig();
      const store = await open();
      const expires_at = clock.now() + 1000;
      expect(await store.increment(hits, 'h', { by: 3, expires_at })).toBe(3);
      const first = (await store.get(hits, 'h'))!;
      expect(await store.increment(hits, 'h', { expires_at: expires_at + 9 })).toBe(4);
      const second = (await store.get(hits, 'h'))!;
      expect(second.expires_at).toBe(expires_at);
      expect(second.version).toBeGreaterThan(first.version);
      clock.pass(1000);
      expect(await store.get(hits, 'h')).toBeUndefined();
      expect(await store.increment(hits, 'h', { by: 2, expires_at: clock.now() + 7 })).toBe(2);
      expect(await store.get(hits, 'h')).toMatchObject({ value: { count: 2 }, expires_at: clock.now() + 7 });
      await store.transact([remove(hits, (await store.get(hits, 'h'))!)]);
      expect(await store.increment(hits, 'h', { expires_at: clock.now() + 7 })).toBe(1);
    });
  });
};
