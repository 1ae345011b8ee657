/** Promises about opening again: older and newer data, other instances, an engine that goes away. */
import { describe, expect, test } from 'vitest';
import { StartError } from '../../shared/config/start-error.ts';
import { collection, insert, update } from '../../shared/ports/store.ts';
import type { StoreSchema } from '../../shared/store/schema.ts';
import {
  type Abilities,
  codeOf,
  crew,
  hits,
  message,
  notes,
  type Person,
  people,
  person,
  schema,
  walk,
} from './store-harness.ts';
import type { Rig } from './store-suite.ts';

/** The next shape of a person: two lists more, and a name in two parts. */
interface Person2 {
  email: string;
  given: string;
  family: string;
  city?: string;
}
const people2 = collection<Person2>()('people', {
  indexes: {
    by_email: { hash: ({ email }) => email, sort: () => '' },
    by_city: { hash: ({ city }) => city, sort: ({ family }) => family },
    by_family: { hash: ({ family }) => family, sort: ({ given }) => given },
  },
  migrate: [
    ({ name, ...rest }: Person): Person2 => {
      const [given = '', family = ''] = name.split(' ');
      return { ...rest, given, family };
    },
  ],
});
const pets = collection<{ name: string }>()('pets', {
  indexes: { by_name: { hash: ({ name }) => name, sort: () => '' } },
});
/** A list and a collection more: what programs of `schema` survive. */
const people1b = collection<Person>()('people', {
  indexes: { ...people.indexes, by_name: { hash: ({ name }) => name, sort: () => '' } },
});
const expanded: StoreSchema = { version: 2, serves_from: 1, collections: [people1b, notes, hits, crew, pets] };
const next: StoreSchema = { version: 2, collections: [people2, notes, hits, pets] };

export const lifetime = (rig: () => Rig, { reopens, goesAway }: Abilities): void => {
  describe('lives on', () => {
    test('it answers a ping, until it is closed', async () => {
      const store = await rig().open();
      await store.ping();
      await store.close();
      await store.close();
      expect(await codeOf(store.ping())).toBe('unavailable');
      expect(await codeOf(store.get(people, 'a'))).toBe('unavailable');
    });

    if (reopens) {
      test('what was committed is there when it is opened again', async () => {
        const { open, closeAll, clock } = rig();
        const store = await open();
        await store.transact([insert(people, 'a', person('ann'))], { enqueue: [message({ at: clock.now() })] });
        await closeAll();
        const again = await open();
        expect((await again.get(people, 'a'))?.value).toEqual(person('ann'));
        expect(await again.messages.claim('q', { limit: 9, lease_ms: 1000 })).toHaveLength(1);
      });

      test('two instances see one truth: versions, conflicts and cursors', async () => {
        const { open } = rig();
        const [one, two] = [await open(), await open()];
        await one.transact(['b', 'a', 'c'].map((name) => insert(people, name, person(name, { city: 'x' }))));
        const read = (await two.get(people, 'a'))!;
        await one.transact([update(people, read, person('z'))]);
        await expect(two.transact([update(people, read, person('y'))])).rejects.toMatchObject({ at: 0 });
        const { next_cursor: cursor } = await one.query(people, 'by_city', 'x', { limit: 1 });
        expect((await two.query(people, 'by_city', 'x', { cursor })).items.map(({ id }) => id)).toEqual(['c']);
      });

      test('several instances that start at once on an empty place all start', async () => {
        const { open } = rig();
        const stores = await Promise.all([open(), open(), open(), open()]);
        await stores[0]!.transact([insert(notes, 'a', { text: 'x' })]);
        for (const store of stores) expect(await store.get(notes, 'a')).toBeDefined();
      });

      test('data of an older version is lifted when read and found by new lists', async () => {
        const { open, closeAll } = rig();
        const old = await open();
        const names = Array.from({ length: 250 }, (_, n) => `g${n} f${n % 5}`);
        for (let at = 0; at < names.length; at += 50) {
          await old.transact(
            names.slice(at, at + 50).map((name, n) => insert(people, `p${at + n}`, person(name, { city: 'x' }))),
          );
        }
        await closeAll();
        const [store] = await Promise.all([open(next), open(next)]);
        expect((await store.get(people2, 'p7'))?.value).toMatchObject({ given: 'g7', family: 'f2', city: 'x' });
        expect(await walk(store, people2, 'by_family', 'f3', { limit: 7 })).toHaveLength(50);
        const sorted = await walk(store, people2, 'by_city', 'x', { limit: 100 });
        const families = sorted.map((id) => Number(id.slice(1)) % 5);
        expect(families).toEqual([...families].sort());
        const read = (await store.get(people2, 'p7'))!;
        await store.transact([
          update(people2, read, { ...read.value, family: 'g' }),
          insert(pets, 'x', { name: 'rex' }),
        ]);
        expect(await walk(store, people2, 'by_family', 'g')).toEqual(['p7']);
        expect(await walk(store, people2, 'by_family', 'f2')).toHaveLength(49);
        expect((await store.query(pets, 'by_name', 'rex')).items).toHaveLength(1);
      });

      test('programs of the release before work beside a shape that has more, and start on it; finishing lists what they wrote', async () => {
        const { open } = rig();
        const old = await open();
        await old.transact([insert(people, 'a', person('ann', { city: 'x' }))]);
        const young = await open(expanded);
        await old.transact([insert(people, 'b', person('bob', { city: 'x' }))]);
        const again = await open();
        await again.transact([insert(people, 'c', person('cid', { city: 'x' }))]);
        await again.transact([update(people, (await again.get(people, 'a'))!, person('abe', { city: 'x' }))]);
        await young.transact([insert(people1b, 'd', person('dan', { city: 'x' })), insert(pets, 'x', { name: 'rex' })]);
        expect((await young.get(people1b, 'b'))?.value.name).toBe('bob');
        for (const each of [old, again, young]) expect(await walk(each, people, 'by_city', 'x')).toHaveLength(4);
        const finished = await open({ ...expanded, finish: true });
        for (const [id, name] of Object.entries({ a: 'abe', b: 'bob', c: 'cid', d: 'dan' })) {
          expect(await walk(finished, people1b, 'by_name', name)).toEqual([id]);
        }
        expect(await walk(finished, people1b, 'by_name', 'ann')).toEqual([]);
        expect((await (await open()).get(people, 'd'))?.value.name).toBe('dan');
      });

      test('values of the next version are read by a program that accepts them', async () => {
        const { open } = rig();
        const young = await open({ ...next, serves_from: 1 });
        const value = { email: 'a@example.test', given: 'ann', family: 'x' };
        await young.transact([insert(people2, 'a', value)]);
        const ready = collection<Person | Person2>()('people', { accepts: 2 });
        const old = await open({ ...schema, collections: [ready, notes, hits, crew] });
        expect((await old.get(ready, 'a'))?.value).toEqual(value);
      });

      test('data of a newer version stops the start with one line, and is left as it is', async () => {
        const { open, closeAll } = rig();
        await (await open(next)).transact([insert(pets, 'x', { name: 'rex' })]);
        await closeAll();
        const refused = open(schema);
        await expect(refused).rejects.toBeInstanceOf(StartError);
        await expect(refused).rejects.toThrow(/newer/);
        await expect(refused).rejects.not.toThrow(/\n/);
        expect(await (await open(next)).get(pets, 'x')).toBeDefined();
      });
    }

    if (goesAway) {
      test('calls fail as unavailable while the engine is away, and work again when it is back', async () => {
        const { open, harness, clock } = rig();
        const store = await open();
        const waiting = message({ at: clock.now() });
        await store.transact([insert(people, 'a', person('ann', { city: 'x' }))], { enqueue: [waiting] });
        await harness.away!();
        const expires_at = clock.now() + 1000;
        const calls = [
          () => store.transact([insert(people, 'b', person('bob'))], { enqueue: [message({ at: clock.now() })] }),
          () => store.increment(hits, 'h', { expires_at }),
          () => store.messages.claim('q', { limit: 1, lease_ms: 1000 }),
          () => store.ping(),
          ...(goesAway === 'wholly' ? [() => store.get(people, 'a')] : []),
        ];
        for (const call of calls) expect(await codeOf(call())).toBe('unavailable');
        await harness.back!();
        await store.ping();
        expect((await store.get(people, 'a'))?.value.name).toBe('ann');
        expect(await store.get(people, 'b')).toBeUndefined();
        await store.transact([insert(people, 'b', person('bob'))]);
        expect(await store.increment(hits, 'h', { expires_at })).toBe(1);
        expect(await store.messages.claim('q', { limit: 9, lease_ms: 1000 })).toMatchObject([
          { id: waiting.id, attempts: 1 },
        ]);
      });
    }
  });
};
