/** The SQL of each collection, written once. */
import type { Collection } from '../../ports/store.ts';
import { indexColumns, tableOf } from '../sql.ts';
import { SWEEP_LIMIT } from '../sweeper.ts';

const sqlOf = (collection: Collection) => {
  const table = tableOf(collection);
  const columns = ['version', 'v', 'data', 'expires_at', ...indexColumns(collection)];
  const alive = '(expires_at IS NULL OR expires_at > ?)';
  const overwrite = columns.slice(1).map((column) => `${column} = excluded.${column}`);
  const put = `INSERT INTO ${table} (id, ${columns.join(', ')}) VALUES (?${', ?'.repeat(columns.length)})
    ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version)`;
  const ended = `${table}.expires_at <= ?`;
  const kept = ['v', 'expires_at', ...indexColumns(collection)];
  return {
    table,
    get: `SELECT id, version, v, data, expires_at FROM ${table} WHERE id = ? AND ${alive}`,
    many: `SELECT ${table}.id, version, v, data, expires_at FROM json_each(?) AS wanted CROSS JOIN ${table} ON ${table}.id = wanted.value
      WHERE ${alive}`,
    insert: `${put}, ${overwrite.join(', ')} WHERE ${ended}`,
    update: `UPDATE ${table} SET ${columns.map((column) => `${column} = ?`).join(', ')}
      WHERE id = ? AND version = ? AND ${alive}`,
    delete: `DELETE FROM ${table} WHERE id = ? AND version = ? AND ${alive}`,
    check: `SELECT 1 FROM ${table} WHERE id = ? AND version = ? AND ${alive}`,
    increment: `${put}, data = CASE WHEN ${ended} THEN excluded.data
        ELSE json_object('count', json_extract(${table}.data, '$.count') + ?) END,
      ${kept.map((column) => `${column} = CASE WHEN ${ended} THEN excluded.${column} ELSE ${table}.${column} END`).join(', ')}
      RETURNING json_extract(data, '$.count') AS count`,
    kept: kept.length,
    sweep: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE expires_at <= ? LIMIT ${SWEEP_LIMIT})`,
  };
};

export type Statements = ReadonlyMap<string, ReturnType<typeof sqlOf>>;

export const statementsOf = (collections: readonly Collection[]): Statements =>
  new Map(collections.map((collection) => [collection.name, sqlOf(collection)]));

/** @throws Error for a collection that no schema names: a mistake in the code */
export const statementsFor = (statements: Statements, collection: Collection) => {
  const sql = statements.get(collection.name);
  if (!sql) throw new Error(`the store does not keep ${collection.name}`);
  return sql;
};
