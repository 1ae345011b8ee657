/** Promises about records that many write at once. */
import { describe, expect, test } from 'vitest';

import { check, insert, update } from '../../shared/ports/store.ts';
import { hits, people, person } from './store-harness.ts';
import { refusedAt, stored } from './store-steps.ts';
import type { Rig } from './store-suite.ts';

export const races = (rig: () => Rig): void => {
  describe('lets one of many win', () => {
    test('of 50 concurrent writers that read the same version exactly one wins', async () => {
      const store = await rig().open();
      await store.transact([insert(people, 'a', person('ann'))]);
      const read = await stored(store, 'a');
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, n) => refusedAt(store.transact([update(people, read, person(`w${n}`))]))),
      );
      const winners = outcomes.flatMap((outcome, n) => (outcome === 'resolved' ? [`w${n}`] : []));
      expect(winners).toEqual([(await stored(store, 'a')).value.name]);
      expect(outcomes.filter((outcome) => outcome === 0)).toHaveLength(49);
    });

    test('of 50 concurrent inserts under one id exactly one wins', async () => {
      const store = await rig().open();
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, n) => refusedAt(store.transact([insert(people, 'a', person(`w${n}`))]))),
      );
      expect(outcomes.filter((outcome) => outcome === 'resolved')).toHaveLength(1);
    });

    test('a check forbids that two writers each break what the other checked', async () => {
      const store = await rig().open();
      for (let round = 0; round < 20; round += 1) {
        const [left, right] = [`l${round}`, `r${round}`];
        await store.transact([insert(people, left, person('on')), insert(people, right, person('on'))]);
        const [l, r] = [await stored(store, left), await stored(store, right)];
        const outcomes = await Promise.all([
          refusedAt(store.transact([check(people, l), update(people, r, person('off'))])),
          refusedAt(store.transact([check(people, r), update(people, l, person('off'))])),
        ]);
        expect(outcomes.filter((outcome) => outcome === 'resolved')).toHaveLength(1);
      }
    });

    test('transactions over the same records in opposite order all come to an end', async () => {
      const store = await rig().open();
      const ids = ['a', 'b', 'c', 'd'];
      await store.transact(ids.map((id) => insert(people, id, person(id))));
      let done = 0;
      const worker = async (order: string[], name: string) => {
        for (let n = 0; n < 15; n += 1) {
          const read = await store.getMany(people, order);
          const writes = order.map((id) => update(people, read.get(id)!, person(name)));
          if ((await refusedAt(store.transact(writes))) === 'resolved') done += 1;
        }
      };
      await Promise.all([ids, [...ids].reverse(), ids, [...ids].reverse()].map((order, n) => worker(order, `w${n}`)));
      expect(done).toBeGreaterThan(0);
      const names = [...(await store.getMany(people, ids)).values()].map(({ value }) => value.name);
      expect(new Set(names).size).toBe(1);
    });

    test('50 concurrent increments are all counted', async () => {
      const { open, clock } = rig();
      const store = await open();
      const expires_at = clock.now() + 1000;
      const counts = await Promise.all(Array.from({ length: 50 }, () => store.increment(hits, 'h', { expires_at })));
      expect(counts.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
      expect((await store.get(hits, 'h'))?.value).toEqual({ count: 50 });
    });
  });
};
