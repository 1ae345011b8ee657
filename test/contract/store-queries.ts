/** Promises about queries: order, pages, cursors. */
import { describe, expect, test } from 'vitest';
import { insert, remove, type Store, update } from '../../shared/ports/store.ts';
import { cursors } from '../../shared/store/cursor.ts';
import { codeOf, crew, fakePorts, people, person, walk } from './store-harness.ts';
import type { Rig } from './store-suite.ts';

/** People of one city under these names; ids are the names behind a prefix. */
const settle = (store: Store, city: string, names: readonly string[]) =>
  store.transact(names.map((name) => insert(people, `${city}-${name}`, person(name, { city }))));

const byBytes = (one: string, two: string) => Buffer.compare(Buffer.from(one), Buffer.from(two));

const ids = async (store: Store, ...[page]: [Parameters<Store['query']>[3]?]) =>
  (await store.query(people, 'by_city', 'x', page)).items.map(({ id }) => id);

export const queries = (rig: () => Rig): void => {
  describe('queries records', () => {
    test('only those of the hash, ordered by the bytes of the sort value', async () => {
      const store = await rig().open();
      await settle(store, 'x', ['b', 'B', 'a', 'é', 'z', '漢', 'A', '', '\uffee', '🙂', '~']);
      await settle(store, 'X', ['other']);
      const sorted = ['', 'A', 'B', 'a', 'b', 'z', '~', 'é', '漢', '\uffee', '🙂'].map((name) => `x-${name}`);
      expect(await ids(store)).toEqual(sorted);
      expect(await ids(store, { order: 'desc' })).toEqual([...sorted].reverse());
      expect(await ids(store, { from: 'b' })).toEqual(sorted.slice(4));
      expect(await ids(store, { from: 'b', order: 'desc', limit: 2 })).toEqual(sorted.slice(-2).reverse());
    });

    test('records follow their index values when they change, leave the index or go', async () => {
      const store = await rig().open();
      await settle(store, 'x', ['a', 'b', 'c', 'd']);
      const [a, b, c] = (await store.query(people, 'by_city', 'x')).items;
      await store.transact([
        update(people, a!, { ...a!.value, name: 'e' }),
        update(people, b!, { ...b!.value, city: undefined }),
        remove(people, c!),
      ]);
      expect(await ids(store)).toEqual(['x-d', 'x-a']);
      expect((await store.query(people, 'by_email', 'b@example.test')).items).toHaveLength(1);
    });

    test('pages of every size show each record once, also where sort values are equal', async () => {
      const store = await rig().open();
      const all = Array.from({ length: 23 }, (_, n) => `i${String(n).padStart(2, '0')}`);
      await store.transact(all.map((id, n) => insert(people, id, person(`n${n % 3}`, { city: 'x' }))));
      for (const order of ['asc', 'desc'] as const) {
        const whole = await ids(store, { order });
        expect([...whole].sort()).toEqual(all);
        for (const limit of [1, 2, 5, 23, 24, 1000]) {
          expect(await walk(store, people, 'by_city', 'x', { limit, order })).toEqual(whole);
        }
      }
      expect((await store.query(people, 'by_city', 'x', { limit: 23 })).next_cursor).toBeUndefined();
    });

    test('only those whose sort value begins so, in either order, page by page', async () => {
      const store = await rig().open();
      const names = [
        'm',
        'ma',
        'mA',
        'maa',
        'mab',
        'mab',
        'ma\u{10ffff}',
        'mb',
        'n',
        '漢',
        '漢字',
        '\ud7ff',
        '\u{e000}',
      ];
      await store.transact(names.map((name, n) => insert(people, `${n + 10}-${name}`, person(name, { city: 'x' }))));
      for (const prefix of ['', 'm', 'ma', 'mab', 'mabc', 'ma\u{10ffff}', '\u{10ffff}', '漢', '\ud7ff']) {
        const wanted = names.filter((name) => name.startsWith(prefix)).sort(byBytes);
        for (const limit of [2, 50]) {
          for (const order of ['asc', 'desc'] as const) {
            const found = await walk(store, people, 'by_city', 'x', { prefix, order, limit });
            const sorted = order === 'asc' ? wanted : wanted.toReversed();
            expect([prefix, found.map((id) => id.slice(3))]).toEqual([prefix, sorted]);
          }
        }
      }
      const cursor = (await store.query(people, 'by_city', 'x', { prefix: 'm', limit: 1 })).next_cursor;
      expect(await codeOf(store.query(people, 'by_city', 'x', { prefix: 'ma', cursor }))).toBe('invalid_request');
      await expect(store.query(people, 'by_city', 'x', { prefix: 'm', from: 'm' })).rejects.toThrow(RangeError);
    });

    test('an index in several partitions reads as one, in order, page by page, also by prefix and from a value', async () => {
      const store = await rig().open();
      const names = Array.from({ length: 90 }, (_, n) => `${'abc'[n % 3]}${n % 7}`);
      await store.transact(names.map((name, n) => insert(crew, `s${n + 10}`, { name })));
      const key = (id: string) => `${names[Number(id.slice(1)) - 10]} ${id}`;
      const all = names.map((_, n) => `s${n + 10}`).sort((one, two) => (key(one) < key(two) ? -1 : 1));
      const begins = (prefix: string) => all.filter((id) => key(id).startsWith(prefix));
      for (const limit of [1, 7, 40, 90, 1000]) {
        expect(await walk(store, crew, 'by_team', 't', { limit })).toEqual(all);
        expect(await walk(store, crew, 'by_team', 't', { limit, order: 'desc' })).toEqual(all.toReversed());
        expect(await walk(store, crew, 'by_team', 't', { limit, prefix: 'b' })).toEqual(begins('b'));
        expect(await walk(store, crew, 'by_team', 't', { limit, from: 'b' })).toEqual([...begins('b'), ...begins('c')]);
      }
    });

    test('from any record shown the way goes on, and back', async () => {
      const store = await rig().open();
      await settle(store, 'x', ['a', 'b', 'c', 'd', 'e']);
      const [, , third] = (await store.query(people, 'by_city', 'x')).items;
      const at = (order: 'asc' | 'desc') => ({
        order,
        cursor: store.cursorAt(people, 'by_city', 'x', third!, { order }),
      });
      expect(await ids(store, at('asc'))).toEqual(['x-d', 'x-e']);
      expect(await ids(store, at('desc'))).toEqual(['x-b', 'x-a']);
      expect(await codeOf(store.query(people, 'by_city', 'x', { ...at('asc'), order: 'desc' }))).toBe(
        'invalid_request',
      );
    });

    test('a page holds 50 records unless told, and a limit out of 1 to 1000 is refused', async () => {
      const store = await rig().open();
      const names = Array.from({ length: 60 }, (_, n) => `${n + 10}`);
      await settle(store, 'x', names);
      expect(await ids(store)).toHaveLength(50);
      for (const limit of [0, -1, 1001, 1.5, Number.NaN])
        await expect(ids(store, { limit })).rejects.toThrow(RangeError);
    });

    test('a cursor goes on after the last record shown, whatever came or went meanwhile', async () => {
      const store = await rig().open();
      await settle(store, 'x', ['b', 'd', 'f', 'h']);
      const first = await store.query(people, 'by_city', 'x', { limit: 2 });
      await settle(store, 'x', ['a', 'c', 'e', 'g']);
      await store.transact([remove(people, first.items[1]!)]);
      expect(await ids(store, { cursor: first.next_cursor })).toEqual(['x-e', 'x-f', 'x-g', 'x-h']);
    });

    test('a cursor works on another instance with the same secret', async () => {
      const store = await rig().open();
      await settle(store, 'x', ['a', 'b']);
      const { next_cursor } = await store.query(people, 'by_city', 'x', { limit: 1 });
      const place = { collection: 'people', index: 'by_city', hash: 'x', order: 'asc' } as const;
      expect(cursors(fakePorts().secrets).read(place, next_cursor!)).toEqual({ sort: 'a', id: 'x-a' });
    });

    test('a cursor can not be forged, changed or used elsewhere', async () => {
      const store = await rig().open();
      await settle(store, 'x', ['a', 'b', 'c']);
      await settle(store, 'y', ['a', 'b', 'c']);
      const cursor = (await store.query(people, 'by_city', 'x', { limit: 1 })).next_cursor!;
      const place = { collection: 'people', index: 'by_city', hash: 'x', order: 'asc' } as const;
      const foreign = cursors(fakePorts('other').secrets).write(place, { sort: 'a', id: 'x-a' });
      const flipped = cursor.slice(0, -1) + (cursor.endsWith('A') ? 'E' : 'A');
      for (const forged of [
        '',
        'x',
        '....',
        'a'.repeat(5000),
        flipped,
        `${cursor}=`,
        `${cursor}A`,
        ` ${cursor}`,
        foreign,
      ]) {
        const failed = store.query(people, 'by_city', 'x', { cursor: forged });
        await expect(failed).rejects.toMatchObject({ code: 'invalid_request', errors: [{ path: 'cursor' }] });
      }
      expect(await codeOf(store.query(people, 'by_city', 'y', { cursor }))).toBe('invalid_request');
      expect(await codeOf(store.query(people, 'by_email', 'x', { cursor }))).toBe('invalid_request');
      expect(await codeOf(store.query(people, 'by_city', 'x', { cursor, order: 'desc' }))).toBe('invalid_request');
      expect(await codeOf(store.query(people, 'by_city', 'x', { cursor }))).toBe('resolved');
    });

    test('expired records neither show up nor shorten the walk', async () => {
      const { open, clock } = rig();
      const store = await open();
      const expires_at = clock.now() + 10;
      await store.transact(
        Array.from({ length: 30 }, (_, n) =>
          insert(people, `i${n + 10}`, person(`${n + 10}`, { city: 'x' }), n % 3 ? { expires_at } : {}),
        ),
      );
      clock.pass(10);
      const living = Array.from({ length: 10 }, (_, n) => `i${n * 3 + 10}`);
      expect(await walk(store, people, 'by_city', 'x', { limit: 4 })).toEqual(living);
    });
  });
};
