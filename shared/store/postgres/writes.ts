/** Writes of records as SQL. The parts of a transaction share their first parameter, the time now. */
import type { Collection, Write } from '../../ports/store.ts';
import type { Versions } from '../record.ts';
import { indexColumns, indexValues, tableOf } from '../sql.ts';

/** Columns of a record apart from its id, in the order in which `rowOf` gives their values. */
const columnsOf = (collection: Collection) => ['version', 'v', 'data', 'expires_at', ...indexColumns(collection)];

const rowOf = (collection: Collection, id: string, version: number, value: unknown, expiresAt: number | undefined) => [
  version,
  collection.version,
  JSON.stringify(value),
  expiresAt ?? null,
  ...indexValues(collection, value, id),
];

/** `$from, $from+1, …` */
const places = (from: number, count: number): string[] => Array.from({ length: count }, (_, n) => `$${from + n}`);

/** The SQL of a write whose parameters start at `$at`; `$1` is the time now. It gives a row if its condition held. */
export const sqlOf = ({ kind, collection }: Write, at: number): string => {
  const table = tableOf(collection);
  const columns = columnsOf(collection);
  const values = places(at + 1, columns.length);
  const met = (version: number) =>
    `id = $${at} AND version = $${version} AND (expires_at IS NULL OR expires_at > $1::bigint)`;
  switch (kind) {
    case 'insert':
      return `INSERT INTO ${table} AS r (id, ${columns.join(', ')}) VALUES ($${at}, ${values.join(', ')})
        ON CONFLICT (id) DO UPDATE SET version = greatest(r.version + 1, excluded.version),
        ${columns
          .slice(1)
          .map((column) => `${column} = excluded.${column}`)
          .join(', ')}
        WHERE r.expires_at <= $1::bigint RETURNING 1`;
    case 'update':
      return `UPDATE ${table} SET ${columns.map((column, n) => `${column} = ${values[n]}`).join(', ')}
        WHERE ${met(at + 1 + columns.length)} RETURNING 1`;
    case 'delete':
      return `DELETE FROM ${table} WHERE ${met(at + 1)} RETURNING 1`;
    case 'check':
      return `SELECT 1 FROM ${table} WHERE ${met(at + 1)} FOR SHARE`;
  }
};

/** Where among the parameters of an insert or update the record's new version stands. */
export const VERSION_AT = 1;

/** The parameters of `sqlOf`, without the time. */
export const valuesOf = (write: Write, versions: Versions): unknown[] => {
  const { kind, collection, id } = write;
  if (kind === 'insert') return [id, ...rowOf(collection, id, versions.next(), write.value, write.expires_at)];
  if (kind !== 'update') return [id, write.version];
  return [id, ...rowOf(collection, id, versions.next(write.version), write.value, write.expires_at), write.version];
};

/** How many parameters `valuesOf` gives. */
export const parametersOf = ({ kind, collection }: Write): number => {
  if (kind === 'delete' || kind === 'check') return 2;
  return columnsOf(collection).length + (kind === 'update' ? 2 : 1);
};

/** The statement of `increment`: parameters are now, by, id and the columns of a new record. */
export const incrementSql = (collection: Collection): string => {
  const columns = columnsOf(collection);
  const kept = ['v', 'expires_at', ...indexColumns(collection)];
  const over = 'r.expires_at <= $1::bigint';
  return `INSERT INTO ${tableOf(collection)} AS r (id, ${columns.join(', ')}) VALUES ($3, ${places(4, columns.length).join(', ')})
    ON CONFLICT (id) DO UPDATE SET version = greatest(r.version + 1, excluded.version),
    data = CASE WHEN ${over} THEN excluded.data
      ELSE json_build_object('count', (r.data ->> 'count')::bigint + $2::bigint) END,
    ${kept.map((column) => `${column} = CASE WHEN ${over} THEN excluded.${column} ELSE r.${column} END`).join(', ')}
    RETURNING (data ->> 'count')::bigint AS count`;
};

export const incrementValues = (
  collection: Collection,
  id: string,
  version: number,
  now: number,
  by: number,
  expiresAt: number,
): unknown[] => [now, by, id, ...rowOf(collection, id, version, { count: by }, expiresAt)];
