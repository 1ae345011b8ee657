/** The shape of a PostgreSQL changes under load, beside long transactions, and after it was cut off. */
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collection, insert } from '../../shared/ports/store.ts';
import { postgresStore } from '../../shared/store/postgres/adapter.ts';
import type { StoreSchema } from '../../shared/store/schema.ts';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { configFor, crew, fakePorts, hits, notes, type Person, people, person, schema, walk } from './store-harness.ts';

let postgres: Postgres;
const ports = fakePorts();
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.close());

const wider = collection<Person>()('people', {
  indexes: { ...people.indexes, by_name: { hash: ({ name }) => name, sort: () => '' } },
});
const expanded: StoreSchema = { version: 2, serves_from: 1, collections: [wider, notes, hits, crew] };
const open = (url: string, shape = schema) => Promise.resolve(postgresStore(shape).open(ports, configFor(url)));

const adminOf = async (url: string) => {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  return admin;
};

test('a process of the release before works on while an index of many records is made, and nobody waits for long', async () => {
  const url = await postgres.createDatabase();
  const { port: old, close } = await open(url);
  const admin = await adminOf(url);
  await admin.query(`INSERT INTO r_people (id, version, v, data)
    SELECT 'm' || n, n, 1, json_build_object('name', 'n' || n, 'email', 'm' || n) FROM generate_series(1, 20000) AS n`);
  let migrating = true;
  const waits: number[] = [];
  const login = async (name: string) => {
    for (let n = 0; migrating; n += 1) {
      const started = performance.now();
      await old.transact([insert(people, `${name}${n}`, person(`${name}${n}`))]);
      await old.get(people, `m${n + 1}`);
      waits.push(performance.now() - started);
    }
  };
  const logins = [login('a'), login('b')];
  const { port: young, close: end } = await open(url, expanded);
  migrating = false;
  await Promise.all(logins);
  expect(waits.length).toBeGreaterThan(10);
  expect(Math.max(...waits)).toBeLessThan(1_000);
  expect(await walk(young, wider, 'by_name', 'n19999')).toEqual(['m19999']);
  await admin.end();
  await close?.();
  await end?.();
});

test('a long transaction holds up the migration, but nobody behind it; when it ends, so does the migration', async () => {
  const url = await postgres.createDatabase();
  const { port: old, close } = await open(url);
  const admin = await adminOf(url);
  await admin.query('BEGIN; SELECT count(*) FROM r_people');
  const opening = open(url, expanded);
  const seen = async () => {
    const { rows } = await postgresWaits(url);
    return rows.length;
  };
  await expect.poll(seen, { interval: 10, timeout: 5_000 }).toBe(1);
  const started = performance.now();
  await old.transact([insert(people, 'a', person('ann'))]);
  expect(performance.now() - started).toBeLessThan(2_000);
  await admin.query('COMMIT');
  const { port: young, close: end } = await opening;
  expect(await walk(young, wider, 'by_name', 'ann')).toEqual(['a']);
  expect((await young.get(wider, 'a'))?.value.name).toBe('ann');
  await admin.end();
  await close?.();
  await end?.();
});

/** Who waits for the lock that ALTER TABLE needs. */
const postgresWaits = async (url: string) => {
  const admin = await adminOf(url);
  const found = await admin.query(
    `SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted AND relation = 'r_people'::regclass`,
  );
  await admin.end();
  return found;
};

test('an index that was left half made is made anew, and several that start at once make it once', async () => {
  const url = await postgres.createDatabase();
  await (await open(url)).close?.();
  await (await open(url, expanded)).close?.();
  const admin = await adminOf(url);
  await admin.query(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i_people_by_name'::regclass`);
  await admin.query(`UPDATE meta SET value = '1' WHERE key IN ('version', 'fingerprint')`);
  const stores = await Promise.all([1, 2, 3].map(() => open(url, expanded)));
  const { rows } = await admin.query(
    `SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 'i_people_by_name'::regclass`,
  );
  expect(rows).toEqual([{ valid: true }]);
  const meta = await admin.query('SELECT key, value FROM meta');
  expect(Object.fromEntries(meta.rows.map(({ key, value }) => [key, value]))).toMatchObject({
    version: '2',
    serves_from: '1',
  });
  await admin.end();
  for (const { close } of stores) await close?.();
});
