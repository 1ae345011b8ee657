/**
 * Brings the tables of a database to the shape that the schema asks for, while programs of the release before work on it.
 *
 * One process at a time, in steps that each hold a lock for moments: tables and columns are added, index values written
 * in small batches, indexes made concurrently. Cut off anywhere, the next start goes on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { StartError } from '../../config/start-error.ts';
import type { Log } from '../../ports/log.ts';
import type { StoreSchema } from '../schema.ts';
import { fingerprint, isNewer, type Shaped, shapedNow } from '../sql.ts';
import { FUNCTIONS, MESSAGE_INDEXES, MESSAGE_TABLE, OBSOLETE } from './messages-sql.ts';
import { OWNERS } from './owners.ts';
import type { Connections } from './pool.ts';
import { reindex } from './reindex.ts';
import { type Found, tablesIn, tablesOf } from './tables.ts';
import { holdTurn } from './turn.ts';

/** Whoever waits for a lock on a table makes others wait behind: a second at a time, then they go first. */
const LOCK_MS = 1_000;
const PAUSE_MS = 500;
const TRIES = 60;
/** SQLSTATEs: lock not available, deadlock. */
const AGAIN: ReadonlySet<string> = new Set(['55P03', '40P01']);

const META = 'CREATE TABLE IF NOT EXISTS meta (key text PRIMARY KEY, value text NOT NULL)';
const BUSY =
  'PostgreSQL: other transactions hold tables that the migration has to change for a moment: end those that are open for long (pg_stat_activity, xact_start), then start again';

const shapedFor = async (client: Pick<Client, 'query'>): Promise<Shaped & { fingerprint?: string }> => {
  const { rows } = await client.query(`SELECT to_regclass('meta') IS NOT NULL AS there`);
  if (!rows[0].there) return { version: 0 };
  const meta = await client.query<{ key: string; value: string }>('SELECT key, value FROM meta');
  const { version = 0, serves_from, fingerprint } = Object.fromEntries(meta.rows.map(({ key, value }) => [key, value]));
  return { version: Number(version), fingerprint, ...(serves_from && { serves_from: Number(serves_from) }) };
};

const attempt = async (work: () => Promise<unknown>): Promise<void> => {
  for (let tried = 1; ; tried += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (!AGAIN.has((error as { code?: string }).code ?? '')) throw error;
      if (tried === TRIES) throw new StartError(BUSY);
      await sleep(PAUSE_MS);
    }
  }
};

/** Statements as one transaction that waits for no lock for long. */
const briefly = (client: Client, ...statements: string[]): Promise<void> =>
  attempt(async () => {
    await client.query('BEGIN');
    try {
      await client.query(`SET LOCAL lock_timeout = ${LOCK_MS}`);
      for (const statement of statements) await client.query(statement);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  });

/** Without a lock that stops anybody; one that was left half made is made anew. */
const makeIndexes = async (client: Client, wanted: Readonly<Record<string, string>>, { indexes }: Found) => {
  for (const [name, definition] of Object.entries(wanted)) {
    let valid = indexes.get(name);
    if (valid) continue;
    await attempt(async () => {
      if (valid === false) await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
      valid = false;
      await client.query(`CREATE INDEX CONCURRENTLY ${name} ON ${definition}`);
    });
  }
};

const shape = async (client: Client, schema: StoreSchema, rose: boolean): Promise<void> => {
  const found = await tablesIn(client);
  const tables = tablesOf(schema);
  const fresh = tables.filter(({ name }) => !found.has(name));
  await briefly(
    client,
    META,
    ...fresh.flatMap(({ create, indexes }) => [
      create,
      ...Object.entries(indexes).map(([name, definition]) => `CREATE INDEX ${name} ON ${definition}`),
    ]),
    OWNERS,
    FUNCTIONS,
  );
  for (const { name, columns, indexes, collection } of tables) {
    const there = found.get(name);
    if (!there) continue;
    const more = columns.filter((column) => !there.columns.has(column));
    const added = more.map((column) => `ADD COLUMN IF NOT EXISTS ${column} text COLLATE "C"`);
    if (added.length) await briefly(client, `ALTER TABLE ${name} ${added.join(', ')}`);
    const missing = Object.keys(indexes).some((index) => !there.indexes.get(index));
    if (collection && (rose || missing)) await reindex(client, collection, attempt);
    await makeIndexes(client, indexes, there);
    if (!schema.finish) continue;
    for (const index of there.indexes.keys()) {
      // programs of the release before read by it
      if (!indexes[index]) await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${index}`);
    }
  }
  if (schema.finish) await briefly(client, OBSOLETE);
};

const note = async (client: Client, schema: StoreSchema, wanted: string): Promise<void> => {
  const entries = Object.entries(shapedNow(schema, wanted)).map(([key, value]) => [key, `${value}`]);
  await client.query(
    `INSERT INTO meta SELECT * FROM unnest($1::text[], $2::text[])
      ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    [entries.map(([key]) => key), entries.map(([, value]) => value)],
  );
};

/**
 * Does what is missing; others that start meanwhile wait, then find nothing to do. A store that is in shape already, or in
 * a newer one that serves this program, is only read.
 *
 * @throws StartError when the data is newer than this program can use, or others hold tables for more than a minute
 */
export const migrate = async (connections: Connections, schema: StoreSchema, log: Log): Promise<void> => {
  const own = [MESSAGE_TABLE, ...Object.values(MESSAGE_INDEXES), FUNCTIONS, OWNERS].join();
  const wanted = fingerprint(schema, own);
  const isDone = (found: Awaited<ReturnType<typeof shapedFor>>): boolean =>
    isNewer(found, schema) || (found.fingerprint === wanted && !schema.finish);
  if (isDone(await connections.use(shapedFor))) return;
  const turn = await holdTurn(connections);
  try {
    const stored = await shapedFor(turn.client);
    if (isDone(stored)) return;
    await shape(turn.client, schema, schema.finish === true || stored.version < schema.version);
    await note(turn.client, schema, wanted);
    log.info('store.migrated', { engine: 'postgres', version: schema.version });
  } finally {
    await turn.end();
  }
};
