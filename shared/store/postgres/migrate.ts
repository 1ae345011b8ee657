/** Brings the tables of a database to the shape that the schema asks for. */
import type { PoolClient } from 'pg';
import type { Collection } from '../../ports/store.ts';
import { upcast } from '../record.ts';
import type { StoreSchema } from '../schema.ts';
import {
  expiryIndexOf,
  fingerprint,
  hashColumn,
  indexColumns,
  indexValues,
  refuseNewer,
  sortColumn,
  sqlIndexOf,
  tableOf,
} from '../sql.ts';
import { FUNCTIONS, MESSAGES } from './messages-sql.ts';
import { OWNERS } from './owners.ts';
import type { Connections } from './pool.ts';

const BATCH = 500;
/** One number for all processes that shape a store: "p21" in ASCII. */
const LOCK = 0x703231;

const shapedFor = async (client: PoolClient): Promise<{ version: number; fingerprint?: string }> => {
  const { rows } = await client.query(`SELECT to_regclass('meta') IS NOT NULL AS there`);
  if (!rows[0].there) return { version: 0 };
  const meta = await client.query<{ key: string; value: string }>('SELECT key, value FROM meta');
  const found = Object.fromEntries(meta.rows.map(({ key, value }) => [key, value]));
  return { version: Number(found.version ?? 0), fingerprint: found.fingerprint };
};

/** Writes the index values of every record anew, from its value as it is read today. */
const reindex = async (client: PoolClient, collection: Collection): Promise<void> => {
  const columns = indexColumns(collection);
  if (!columns.length) return;
  const table = tableOf(collection);
  const shape = columns.map((column) => `${column} text`).join(', ');
  for (let after: string | undefined = ''; after !== undefined; ) {
    const { rows }: { rows: { id: string; v: number; data: unknown }[] } = await client.query(
      `SELECT id, v, data FROM ${table} WHERE id > $1 ORDER BY id LIMIT ${BATCH}`,
      [after],
    );
    const fresh = rows.map(({ id, v, data }) => {
      const values = indexValues(collection, upcast(collection, v, data), id);
      return { id, ...Object.fromEntries(columns.map((column, n) => [column, values[n]])) };
    });
    await client.query(
      `UPDATE ${table} r SET ${columns.map((column) => `${column} = n.${column}`).join(', ')}
        FROM json_to_recordset($1) AS n(id text, ${shape}) WHERE r.id = n.id`,
      [JSON.stringify(fresh)],
    );
    after = rows.at(-1)?.id;
  }
};

const shape = async (client: PoolClient, collection: Collection, rose: boolean): Promise<void> => {
  const table = tableOf(collection);
  await client.query(`CREATE TABLE IF NOT EXISTS ${table} (
    id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, v int NOT NULL, data json NOT NULL, expires_at bigint
  )`);
  for (const column of indexColumns(collection)) {
    await client.query(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${column} text COLLATE "C"`);
  }
  const expiry = expiryIndexOf(collection);
  const wanted = new Map(Object.keys(collection.indexes).map((index) => [sqlIndexOf(collection, index), index]));
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      WHERE i.indrelid = to_regclass($1) AND NOT i.indisprimary`,
    [table],
  );
  const present = new Set(rows.map(({ name }) => name));
  const missing = [...wanted].filter(([name]) => !present.has(name));
  for (const name of present) if (!wanted.has(name) && name !== expiry) await client.query(`DROP INDEX ${name}`);
  if (rose || missing.length) await reindex(client, collection);
  for (const [name, index] of missing) {
    const [hash, sort] = [hashColumn(index), sortColumn(index)];
    await client.query(`CREATE INDEX ${name} ON ${table} (${hash}, ${sort}, id) WHERE ${hash} IS NOT NULL`);
  }
  await client.query(`CREATE INDEX IF NOT EXISTS ${expiry} ON ${table} (expires_at) WHERE expires_at IS NOT NULL`);
};

/**
 * Creates what is missing and fills new indexes, in one transaction: other processes that start meanwhile wait, then
 * find nothing to do. A store that is in shape already is only read.
 *
 * @throws StartError when the data is newer than the schema
 */
export const migrate = (connections: Connections, schema: StoreSchema): Promise<void> =>
  connections.use(async (client) => {
    const wanted = fingerprint(schema, MESSAGES + FUNCTIONS + OWNERS);
    const found = await shapedFor(client);
    refuseNewer(found.version, schema);
    if (found.fingerprint === wanted) return;
    await client.query('BEGIN');
    try {
      // filling an index of a large collection takes its time
      await client.query('SET LOCAL statement_timeout = 0');
      await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      const stored = await shapedFor(client);
      refuseNewer(stored.version, schema);
      if (stored.fingerprint !== wanted) {
        await client.query('CREATE TABLE IF NOT EXISTS meta (key text PRIMARY KEY, value text NOT NULL)');
        await client.query(MESSAGES);
        await client.query(OWNERS);
        await client.query(FUNCTIONS);
        for (const collection of schema.collections) await shape(client, collection, stored.version < schema.version);
        for (const entry of [['version', `${schema.version}`] as const, ['fingerprint', wanted] as const]) {
          await client.query(
            'INSERT INTO meta VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
            [...entry],
          );
        }
      }
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  });
