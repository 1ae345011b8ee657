/**
 * A transaction as one statement: each write is a part of it, and a function at its end refuses, and so undoes, all of
 * it when a part met no record. One round trip instead of one per write and two more.
 */
import type { Clock } from '../../ports/clock.ts';
import { type Collection, type Effects, type Write, WriteConflict } from '../../ports/store.ts';
import type { Versions } from '../record.ts';
import { indexColumns, indexValues, tableOf } from '../sql.ts';
import { EFFECT_TYPES, effectParameters } from './messages.ts';
import { CONFLICT } from './messages-sql.ts';
import type { Connections } from './pool.ts';

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

/** The SQL of a write whose parameters start at `$at`; `$1` is the time now. */
const sqlOf = ({ kind, collection }: Write, at: number): string => {
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

const valuesOf = (write: Write, versions: Versions): unknown[] => {
  const { kind, collection, id } = write;
  if (kind === 'insert') return [id, ...rowOf(collection, id, versions.next(), write.value, write.expires_at)];
  if (kind !== 'update') return [id, write.version];
  return [id, ...rowOf(collection, id, versions.next(write.version), write.value, write.expires_at), write.version];
};

/** How many parameters `valuesOf` gives. */
const parametersOf = ({ kind, collection }: Write): number => {
  if (kind === 'delete' || kind === 'check') return 2;
  return columnsOf(collection).length + (kind === 'update' ? 2 : 1);
};

const byName = (one: Write, two: Write): number => {
  const [left, right] = [one, two].map(({ collection, id }) => `${collection.name}\0${id}`);
  return left! < right! ? -1 : 1;
};

const MAX_SHAPES = 500;
const texts = new Map<string, string>();

/** The statement for writes of these kinds, in this order, with messages or without; `$1` is the time now. */
const textOf = (writes: readonly Write[], messages: boolean): string => {
  const shape = `${messages} ${writes.map(({ kind, collection }) => `${kind} ${collection.name}`).join(',')}`;
  const known = texts.get(shape);
  if (known) return known;
  const effects = messages ? EFFECT_TYPES.map((type, n) => `$${n + 2}::${type}`) : [];
  let at = effects.length + 2;
  const parts = writes.map((write, n) => {
    const sql = sqlOf(write, at);
    at += parametersOf(write);
    return `w${n} AS (${sql})`;
  });
  const done = `ARRAY[${parts.map((_, n) => `(SELECT count(*) FROM w${n})`).join(', ')}]::bigint[]`;
  const finish = `SELECT perfect21_finish(${[done, ...(messages ? ['$1::bigint', ...effects] : [])].join(', ')})`;
  const text = parts.length ? `WITH ${parts.join(',\n')}\n${finish}` : finish;
  if (texts.size < MAX_SHAPES) texts.set(shape, text);
  return text;
};

/** Does all of it in one statement, or throws WriteConflict and did nothing. */
export const transact = async (
  connections: Connections,
  clock: Clock,
  versions: Versions,
  writes: readonly Write[],
  effects: Effects,
): Promise<void> => {
  // in one order everywhere, so that two transactions of the same records wait for each other but never mutually
  const ordered = writes.length > 1 ? [...writes].sort(byName) : writes;
  const messages = !!effects.settle?.length || !!effects.enqueue?.length;
  const parameters = [clock.now(), ...(messages ? effectParameters(effects) : [])];
  for (const write of ordered) parameters.push(...valuesOf(write, versions));
  try {
    await connections.query(textOf(ordered, messages), parameters);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code !== CONFLICT) throw error;
    const failed = message.slice(1, -1).split(',').map(Number);
    throw new WriteConflict(Math.min(...failed.map((place) => (place ? writes.indexOf(ordered[place - 1]!) : -1))));
  }
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
