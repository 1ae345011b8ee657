/** Random histories: whatever is done in whatever order, the engine answers as a model of a few lines does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  check,
  insert,
  remove,
  type Store,
  type Stored,
  update,
  type Write,
  WriteConflict,
} from '../../shared/ports/store.ts';
import { type Person, people, person, walk } from './store-harness.ts';
import type { Rig } from './store-suite.ts';

const IDS = ['a', 'A', 'b', 'c'] as const;
const CITIES = ['x', 'X'] as const;

/** A write by what it means; `stale` uses the version before the current one. */
const change = fc.record({
  kind: fc.constantFrom('insert', 'update', 'delete', 'check'),
  id: fc.constantFrom(...IDS),
  name: fc.constantFrom('m', 'M', 'n'),
  city: fc.constantFrom(...CITIES, undefined),
  lives_ms: fc.constantFrom(undefined, 5, 20),
  stale: fc.nat(9).map((n) => n === 0),
});
const step = fc.oneof(
  { weight: 6, arbitrary: fc.uniqueArray(change, { minLength: 1, maxLength: 4, selector: ({ id }) => id }) },
  { weight: 1, arbitrary: fc.nat(12).map((ms) => ({ ms })) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The model: a map, and a rule for each kind of write. */
type Model = Map<string, { value: Person; expires_at?: number }>;

const history = async (store: Store, clock: Rig['clock'], steps: readonly Step[]) => {
  const model: Model = new Map();
  const alive = (id: string) => {
    const found = model.get(id);
    return found && (found.expires_at === undefined || found.expires_at > clock.now()) ? found : undefined;
  };
  for (const each of steps) {
    if ('ms' in each) {
      clock.pass(each.ms);
      continue;
    }
    const read = await store.getMany(people, [...IDS]);
    let failed = -1;
    const after: Model = new Map(model);
    const writes = each.map(({ kind, id, name, city, lives_ms, stale }, at): Write => {
      const value = person(name, city ? { city } : {});
      const expiry = lives_ms === undefined ? {} : { expires_at: clock.now() + lives_ms };
      const seen: Stored<Person> = { id, value, version: (read.get(id)?.version ?? 7) - (stale ? 1 : 0) };
      const holds = kind === 'insert' ? !alive(id) : !!alive(id) && !stale;
      if (!holds && failed < 0) failed = at;
      if (kind === 'insert' || kind === 'update') after.set(id, { value, ...expiry });
      if (kind === 'delete') after.delete(id);
      if (kind === 'insert') return insert(people, id, value, expiry);
      if (kind === 'update') return update(people, seen, value, expiry);
      return kind === 'delete' ? remove(people, seen) : check(people, seen);
    });
    const outcome = await store.transact(writes).then(
      () => -1,
      (error) => (error instanceof WriteConflict ? error.at : Promise.reject(error)),
    );
    expect(outcome).toBe(failed);
    if (failed < 0) {
      model.clear();
      for (const [id, kept] of after) model.set(id, kept);
    }
    await agree(store, alive);
  }
  await store.transact([...(await store.getMany(people, [...IDS])).values()].map((each) => remove(people, each)));
  clock.pass(60_000);
};

const agree = async (store: Store, alive: (id: string) => { value: Person } | undefined) => {
  const read = await store.getMany(people, [...IDS]);
  for (const id of IDS) expect(read.get(id)?.value).toEqual(alive(id)?.value);
  for (const city of CITIES) {
    const expected = IDS.filter((id) => alive(id)?.value.city === city);
    const key = (id: string) => `${alive(id)!.value.name}\0${id}`;
    expected.sort((one, two) => (key(one) < key(two) ? -1 : 1));
    expect(await walk(store, people, 'by_city', city, { limit: 2 })).toEqual(expected);
  }
};

export const model = (rig: () => Rig): void => {
  describe('agrees with the model', () => {
    test('over random histories of writes and time', async () => {
      const { open, clock } = rig();
      const store = await open();
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), (steps) => history(store, clock, steps)),
        { numRuns: 25 },
      );
    });
  });
};
