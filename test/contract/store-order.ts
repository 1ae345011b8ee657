/** Promises about the order of messages: priority, order keys, claims at once. */
import { describe, expect, test } from 'vitest';
import type { Store } from '../../shared/ports/store.ts';
import { type Abilities, message } from './store-harness.ts';
import { idsOf, LEASE, put, settle, take } from './store-steps.ts';
import type { Rig } from './store-suite.ts';

export const order = (rig: () => Rig, abilities: Abilities): void => {
  describe('keeps the order of messages', () => {
    test('the highest priority comes first, then what has been available longest', async () => {
      const { open, clock } = rig();
      const store = await open();
      const at = clock.now();
      const sent = [
        message({ at: at - 1 }),
        message({ at: at - 5 }),
        message({ at: at - 5 }),
        message({ at, priority: 9 }),
        message({ at, priority: 5 }),
        message({ at: at - 1, priority: 5 }),
        message({ at: at + 1, priority: 9 }),
      ] as const;
      await put(store, ...sent);
      const order = [3, 5, 4, 1, 2, 0].map((n) => sent[n]!.id);
      expect(idsOf(await take(store, 2))).toEqual(order.slice(0, 2));
      expect(idsOf(await take(store, 2))).toEqual(order.slice(2, 4));
      expect(idsOf(await take(store))).toEqual(order.slice(4));
    });

    test('messages of one order key are claimed one at a time in the order of their ids', async () => {
      const { open, clock } = rig();
      const store = await open();
      const at = clock.now();
      const [a1, b1, a2, free, a3] = [
        message({ at, order_key: 'a' }),
        message({ at, order_key: 'b' }),
        message({ at: at - 9, order_key: 'a', priority: 9 }),
        message({ at }),
        message({ at, order_key: 'a' }),
      ] as const;
      await put(store, a3, a2, free, b1, a1);
      await put(store, message({ at, order_key: 'a', queue: 'other' }));
      const first = await take(store);
      expect(idsOf(first)).toEqual([a1.id, b1.id, free.id]);
      expect(await take(store)).toEqual([]);
      await settle(store, ...first);
      const second = await take(store);
      expect(idsOf(second)).toEqual([a2.id]);
      clock.pass(1);
      expect(await store.messages.release(second[0]!, { available_at: clock.now() + 50 })).toBe(true);
      expect(await take(store)).toEqual([]);
      clock.pass(50);
      await settle(store, ...(await take(store)));
      expect(idsOf(await take(store))).toEqual([a3.id]);
    });

    test('a message that waits for its time holds back the later ones of its order key', async () => {
      const { open, clock } = rig();
      const store = await open();
      const first = message({ at: clock.now() + 10, order_key: 'a' });
      await put(store, first, message({ at: clock.now(), order_key: 'a' }));
      expect(await take(store)).toEqual([]);
      clock.pass(10);
      expect(idsOf(await take(store))).toEqual([first.id]);
    });

    test('an earlier message that is committed late goes before those that wait already', async () => {
      const { open, clock } = rig();
      const store = await open();
      const [early, middle, late] = [1, 2, 3].map(() => message({ at: clock.now(), order_key: 'a' }));
      await put(store, late!);
      await put(store, middle!);
      await put(store, early!);
      const seen: string[] = [];
      for (let n = 0; n < 3; n += 1) {
        const claimed = await take(store);
        seen.push(...idsOf(claimed));
        await settle(store, ...claimed);
      }
      expect(seen).toEqual(idsOf([early!, middle!, late!]));
    });

    test('an earlier message that arrives while a later one is in work is next', async () => {
      const { open, clock } = rig();
      const store = await open();
      const [early, late, last] = [1, 2, 3].map(() => message({ at: clock.now(), order_key: 'a' }));
      await put(store, late!, last!);
      const [working] = await take(store);
      await put(store, early!);
      expect(idsOf(await take(store))).toEqual([early!.id]);
      await settle(store, working!);
      expect(await take(store)).toEqual([]);
      clock.pass(LEASE);
      await settle(store, ...(await take(store)));
      expect(idsOf(await take(store))).toEqual([last!.id]);
    });

    test('claims under way at once never share a message, over all instances', async () => {
      const { open, clock } = rig();
      const stores = [await open()];
      if (abilities.reopens) stores.push(await open());
      const sent = Array.from({ length: 90 }, (_, n) =>
        message({ at: clock.now(), ...(n % 2 && { order_key: `u${n % 10}` }) }),
      );
      await put(stores[0]!, ...sent);
      const seen: string[] = [];
      const working = new Set<string>();
      await Promise.all(
        Array.from({ length: 8 }, async (_, n) => {
          const store = stores[n % stores.length]!;
          for (let empty = 0; empty < 30; ) {
            const claimed = await take(store, 3);
            empty = claimed.length ? 0 : empty + 1;
            for (const { order_key } of claimed) {
              if (!order_key) continue;
              expect(working).not.toContain(order_key);
              working.add(order_key);
            }
            seen.push(...idsOf(claimed));
            // the key is free for others as soon as the settling commits, which may be before it resolves here
            for (const { order_key } of claimed) working.delete(order_key ?? '');
            await settle(store, ...claimed);
          }
        }),
      );
      expect(seen).toHaveLength(sent.length);
      expect(new Set(seen).size).toBe(sent.length);
      for (const key of ['u1', 'u3', 'u5', 'u7', 'u9']) {
        const ofKey = new Set(idsOf(sent.filter(({ order_key }) => order_key === key)));
        expect(seen.filter((id) => ofKey.has(id))).toEqual([...ofKey]);
      }
    });

    test('messages of one order key that are enqueued while others are settled are never stuck', async () => {
      const { open, clock } = rig();
      const stores = [await open()];
      if (abilities.reopens) stores.push(await open());
      const total = 60;
      let settled = 0;
      const enqueue = async (from: number) => {
        for (let n = from; n < total; n += 2) await put(stores[0]!, message({ at: clock.now(), order_key: 'hot' }));
      };
      const work = async (store: Store) => {
        for (let empty = 0; settled < total && empty < 3000; empty += 1) {
          const claimed = await take(store, 5);
          expect(claimed.length).toBeLessThanOrEqual(1);
          await settle(store, ...claimed);
          settled += claimed.length;
          if (!claimed.length) await new Promise(setImmediate);
        }
      };
      await Promise.all([enqueue(0), enqueue(1), ...stores.map(work), work(stores[0]!)]);
      expect(settled).toBe(total);
    });
  });
};
