/** Brings the tables of a file to the shape that the schema asks for. */
import type { Collection } from '../../ports/store.ts';
import { upcast } from '../record.ts';
import type { StoreSchema } from '../schema.ts';
import {
  expiryIndexOf,
  fingerprint,
  hashColumn,
  indexColumns,
  indexValues,
  isNewer,
  shapedNow,
  sortColumn,
  sqlIndexOf,
  tableOf,
} from '../sql.ts';
import type { Database } from './database.ts';

const BATCH = 500;

const MESSAGES = `
  CREATE TABLE IF NOT EXISTS messages (
    queue TEXT NOT NULL, id TEXT NOT NULL, order_key TEXT, priority INTEGER NOT NULL, available_at INTEGER NOT NULL,
    since INTEGER NOT NULL, claimed_until INTEGER NOT NULL DEFAULT 0, claim TEXT, attempts INTEGER NOT NULL,
    reason TEXT, head INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (queue, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS messages_heads ON messages (queue, priority, available_at, id) WHERE head = 1;
  CREATE INDEX IF NOT EXISTS messages_keys ON messages (queue, order_key, id) WHERE order_key IS NOT NULL;`;

const columnsOf = (db: Database, table: string): Set<string> =>
  new Set(db.all<{ name: string }>('SELECT name FROM pragma_table_info(?)', table).map(({ name }) => name));

const sqlIndexesOf = (db: Database, table: string): Set<string> =>
  new Set(
    db
      .all<{ name: string }>(
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql <> ''",
        table,
      )
      .map(({ name }) => name),
  );

/** Writes the index values of every record anew, from its value as it is read today. */
const reindex = (db: Database, collection: Collection): void => {
  const columns = indexColumns(collection);
  if (!columns.length) return;
  const table = tableOf(collection);
  const set = `UPDATE ${table} SET ${columns.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`;
  for (let after: string | undefined = ''; after !== undefined; ) {
    const rows: { id: string; v: number; data: string }[] = db.all(
      `SELECT id, v, data FROM ${table} WHERE id > ? ORDER BY id LIMIT ${BATCH}`,
      after,
    );
    for (const { id, v, data } of rows) {
      db.run(set, ...indexValues(collection, upcast(collection, v, JSON.parse(data)), id), id);
    }
    after = rows.at(-1)?.id;
  }
};

const indexOn = (collection: Collection, index: string): string => {
  const [hash, sort] = [hashColumn(index), sortColumn(index)];
  const on = `${tableOf(collection)} (${hash}, ${sort}, id)`;
  return `CREATE INDEX ${sqlIndexOf(collection, index)} ON ${on} WHERE ${hash} IS NOT NULL`;
};
const expiryIndexOn = (collection: Collection): string =>
  `CREATE INDEX IF NOT EXISTS ${expiryIndexOf(collection)} ON ${tableOf(collection)} (expires_at) WHERE expires_at IS NOT NULL`;

/** A table with all that belongs to it: each column that is added to one has SQLite read the whole shape again. */
const creationOf = (collection: Collection): string => {
  const columns = indexColumns(collection).map((column) => `, ${column} TEXT`);
  const table = `CREATE TABLE ${tableOf(collection)} (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, v INTEGER NOT NULL, data TEXT NOT NULL, expires_at INTEGER${columns.join('')}
  ) STRICT, WITHOUT ROWID`;
  const indexes = Object.keys(collection.indexes).map((index) => indexOn(collection, index));
  return [table, ...indexes, expiryIndexOn(collection)].join(';\n');
};

/** Gives a table that is there what it lacks. */
const shape = (db: Database, collection: Collection, { rose, finish }: { rose: boolean; finish: boolean }): void => {
  const table = tableOf(collection);
  const columns = columnsOf(db, table);
  for (const column of indexColumns(collection)) {
    if (!columns.has(column)) db.exec(`ALTER TABLE ${table} ADD COLUMN ${column} TEXT`);
  }
  const expiry = expiryIndexOf(collection);
  const wanted = new Map(Object.keys(collection.indexes).map((index) => [sqlIndexOf(collection, index), index]));
  const present = sqlIndexesOf(db, table);
  const missing = [...wanted].filter(([name]) => !present.has(name));
  // programs of the release before may still read by them
  if (finish) for (const name of present) if (!wanted.has(name) && name !== expiry) db.exec(`DROP INDEX ${name}`);
  if (rose || missing.length) reindex(db, collection);
  for (const [, index] of missing) db.exec(indexOn(collection, index));
  db.exec(expiryIndexOn(collection));
};

/**
 * Creates what is missing and fills new indexes, in one transaction: other processes that start meanwhile wait, then
 * find nothing to do.
 *
 * @throws StartError when the data is newer than the schema
 */
export const migrate = (db: Database, schema: StoreSchema): void => {
  const wanted = fingerprint(schema, MESSAGES);
  const { finish = false } = schema;
  db.transaction(() => {
    db.exec('CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID');
    const meta = (key: string) => db.get<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value;
    const number = (key: string) => (meta(key) === undefined ? undefined : Number(meta(key)));
    const stored = { version: number('version') ?? 0, serves_from: number('serves_from') };
    if (isNewer(stored, schema) || (meta('fingerprint') === wanted && !finish)) return;
    db.exec(MESSAGES);
    const rose = finish || stored.version < schema.version;
    const tables = new Set(
      db.tuples<[string]>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).map(([name]) => name),
    );
    const isThere = (collection: Collection): boolean => tables.has(tableOf(collection));
    db.exec(
      schema.collections
        .filter((each) => !isThere(each))
        .map(creationOf)
        .join(';\n'),
    );
    for (const collection of schema.collections.filter(isThere)) shape(db, collection, { rose, finish });
    for (const [key, value] of Object.entries(shapedNow(schema, wanted))) {
      db.run('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value', key, `${value}`);
    }
  });
};
