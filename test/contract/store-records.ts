/** Promises about records: conditions, atomicity, expiry, counters. */
import { describe, expect, test } from 'vitest';

import { check, insert, remove, update } from '../../shared/ports/store.ts';
import { codeOf, hits, notes, people, person } from './store-harness.ts';
import { refusedAt, stored } from './store-steps.ts';
import type { Rig } from './store-suite.ts';

export const records = (rig: () => Rig): void => {
  describe('keeps records', () => {
    test('what was written is read, whatever characters it holds', async () => {
      const store = await rig().open();
      const text = 'o\'"\\%_;--\u0000\ud800 漢字 🙂';
      await store.transact([insert(notes, 'a', { text })]);
      expect((await store.get(notes, 'a'))?.value.text).toBe(text);
      expect(await store.get(notes, 'b')).toBeUndefined();
    });

    test('ids are told apart byte for byte', async () => {
      const store = await rig().open();
      const ids = ['ann', 'Ann', 'ANN', 'ann ', ' ann', 'änn', 'a\u0308nn', 'ann_', 'an%', "a'nn", 'ann\n'];
      await store.transact(ids.map((id, n) => insert(notes, id, { text: `${n}` })));
      for (const [n, id] of ids.entries()) expect((await store.get(notes, id))?.value.text).toBe(`${n}`);
      expect([...(await store.getMany(notes, ids)).keys()].sort()).toEqual([...ids].sort());
    });

    test('an id that can not exist is not found, and is refused as invalid when written', async () => {
      const store = await rig().open();
      for (const id of ['', '\0', 'a\0b', '\ud800', 'x'.repeat(1025), '漢'.repeat(342)]) {
        expect(await store.get(notes, id)).toBeUndefined();
        expect((await store.getMany(notes, [id])).size).toBe(0);
        expect((await store.query(people, 'by_city', id)).items).toEqual([]);
        expect(await codeOf(store.transact([insert(notes, id, { text: '' })]))).toBe('invalid_request');
      }
      const longest = 'x'.repeat(1024);
      await store.transact([insert(notes, longest, { text: 'long' })]);
      expect((await store.get(notes, longest))?.value.text).toBe('long');
    });

    test('a second insert under one id is refused and changes nothing', async () => {
      const store = await rig().open();
      await store.transact([insert(people, 'a', person('ann'))]);
      expect(await refusedAt(store.transact([insert(people, 'a', person('bob'))]))).toBe(0);
      expect((await stored(store, 'a')).value.name).toBe('ann');
    });

    test('an update of what was changed meanwhile is refused: no update is lost', async () => {
      const store = await rig().open();
      await store.transact([insert(people, 'a', person('ann'))]);
      const read = await stored(store, 'a');
      await store.transact([update(people, read, person('bea'))]);
      expect(await refusedAt(store.transact([update(people, read, person('cat'))]))).toBe(0);
      expect(await refusedAt(store.transact([remove(people, read)]))).toBe(0);
      expect(await refusedAt(store.transact([check(people, read)]))).toBe(0);
      expect((await stored(store, 'a')).value.name).toBe('bea');
    });

    test('a check changes nothing and holds for the record as it is', async () => {
      const store = await rig().open();
      await store.transact([insert(people, 'a', person('ann'))]);
      const read = await stored(store, 'a');
      await store.transact([check(people, read), insert(people, 'b', person('bob'))]);
      expect(await stored(store, 'a')).toEqual(read);
    });

    test('a version is never met again, even after a delete within one millisecond', async () => {
      const store = await rig().open();
      const seen = new Set<number>();
      for (let n = 0; n < 20; n += 1) {
        await store.transact([insert(people, 'a', person('ann'))]);
        const first = await stored(store, 'a');
        await store.transact([update(people, first, person('bea'))]);
        const second = await stored(store, 'a');
        await store.transact([remove(people, second)]);
        expect(Number.isSafeInteger(second.version)).toBe(true);
        seen.add(first.version).add(second.version);
      }
      expect(seen.size).toBe(40);
    });

    test.each([25, 100])('%i writes are all done, or none of them', async (count) => {
      const store = await rig().open();
      const many = Array.from({ length: count }, (_, n) => insert(people, `p${n}`, person(`p${n}`)));
      await store.transact([insert(people, `p${count - 1}`, person('taken'))]);
      expect(await refusedAt(store.transact(many))).toBe(count - 1);
      expect(
        (
          await store.getMany(
            people,
            many.map(({ id }) => id),
          )
        ).size,
      ).toBe(1);
      await store.transact([remove(people, await stored(store, `p${count - 1}`))]);
      await store.transact(many);
      expect(
        (
          await store.getMany(
            people,
            many.map(({ id }) => id),
          )
        ).size,
      ).toBe(count);
    });

    test('a refusal names the first write that failed, over all kinds and collections', async () => {
      const store = await rig().open();
      await store.transact([insert(people, 'a', person('ann')), insert(notes, 'z', { text: '1' })]);
      const [ann, note] = [await stored(store, 'a'), (await store.get(notes, 'z'))!];
      const gone = { ...ann, id: 'gone' };
      const good = [update(people, ann, person('bea')), insert(notes, 'n', { text: '2' }), check(notes, note)];
      const bad = [check(people, gone), remove(people, { ...gone, id: 'g2' }), insert(hits, 'h', { count: 1 })];
      expect(await refusedAt(store.transact([...good, ...bad]))).toBe(3);
      expect((await stored(store, 'a')).value.name).toBe('ann');
      expect(await store.get(notes, 'n')).toBeUndefined();
      await store.transact([...good, remove(people, { ...ann, id: 'a2' })]).catch(() => undefined);
      await store.transact([...good]);
      expect((await stored(store, 'a')).value.name).toBe('bea');
    });

    test('more than 100 writes, or a record named twice, are refused before anything is written', async () => {
      const store = await rig().open();
      const many = Array.from({ length: 101 }, (_, n) => insert(notes, `${n}`, { text: '' }));
      await expect(store.transact(many)).rejects.toThrow(RangeError);
      const twice = [insert(notes, 'a', { text: '' }), insert(notes, 'a', { text: '' })];
      await expect(store.transact(twice)).rejects.toThrow(RangeError);
      expect((await store.getMany(notes, ['0', 'a'])).size).toBe(0);
      await store.transact([]);
    });

    test('up to 1000 ids are read at once, and each once', async () => {
      const store = await rig().open();
      const ids = Array.from({ length: 1000 }, (_, n) => `p${n}`);
      for (let at = 0; at < 300; at += 100) {
        await store.transact(ids.slice(at, at + 100).map((id) => insert(people, id, person(id))));
      }
      const found = await store.getMany(people, [...ids.slice(0, 999), 'p0']);
      expect([...found.keys()].sort()).toEqual(ids.slice(0, 300).sort());
      expect(found.get('p7')?.value.name).toBe('p7');
      expect((await store.getMany(people, [])).size).toBe(0);
      await expect(store.getMany(people, [...ids, 'x'])).rejects.toThrow(RangeError);
    });
  });
};
