/** What the SQL engines share: names, rows, and when the shape of the data has to be brought up to date. */
import { createHash } from 'node:crypto';
import { StartError } from '../config/start-error.ts';
import type { Collection, Stored } from '../ports/store.ts';
import type { Position } from './cursor.ts';
import { behindPrefix, checkIndexKey, isBefore } from './limits.ts';
import { indexKey, upcast } from './record.ts';
import type { StoreSchema } from './schema.ts';

/** So long that a collection and an index together fit PostgreSQL's 63 characters; SQL folds case anyway. */
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,27}$/;
const named = (prefix: string, name: string): string => {
  if (!NAME.test(name)) throw new Error(`"${name}" can't name a collection or an index`);
  return `${prefix}${name.toLowerCase()}`;
};

/** The table of a collection. All names here are safe to put into SQL. */
export const tableOf = ({ name }: Collection): string => named('r_', name);
export const hashColumn = (index: string): string => named('h_', index);
export const sortColumn = (index: string): string => named('s_', index);
/** The SQL index of an index, and the one of the expiry. */
export const sqlIndexOf = ({ name }: Collection, index: string): string => `${named('i_', name)}_${named('', index)}`;
export const expiryIndexOf = ({ name }: Collection): string => named('e_', name);

/** The names of all columns that hold index values, in the order of `indexValues`. */
export const indexColumns = ({ indexes }: Collection): string[] =>
  Object.keys(indexes).flatMap((index) => [hashColumn(index), sortColumn(index)]);

/** Hash and sort of each index; null where the record is left out. */
export const indexValues = (collection: Collection, value: unknown, id: string): (string | null)[] =>
  Object.keys(collection.indexes).flatMap((index) => {
    const key = checkIndexKey(indexKey(collection, index, value, id));
    return key ? [key.hash, key.sort] : [null, null];
  });

/**
 * The bounds of a query beside where it goes on. Where that is the closer one they are left out: an engine that began at
 * the other would pass over all pages before.
 */
export const boundsOf = (
  { from, prefix, order }: { from?: string; prefix?: string; order: 'asc' | 'desc' },
  after: Position | undefined,
): { least?: string; until?: string } => {
  const least = prefix ?? from;
  const until = prefix && behindPrefix(prefix);
  const goesOn = (bound: string | undefined, by: 'asc' | 'desc'): boolean =>
    bound === undefined || (after !== undefined && order === by && isBefore(after.sort, bound) === (by === 'desc'));
  return { ...(!goesOn(least, 'asc') && { least }), ...(!goesOn(until, 'desc') && { until }) };
};

/** A row as both engines give it; `data` is parsed already. */
export interface Row {
  id: string;
  version: number;
  v: number;
  data: unknown;
  expires_at: number | null;
}

/** @param data of the row, where the engine has it as text */
export const toStored = <T>(
  collection: Collection<string, T>,
  { id, version, v, expires_at, data: own }: Row,
  data: unknown = own,
): Stored<T> => {
  const value: T = upcast(collection, v, data);
  return expires_at === null ? { id, version, value } : { id, version, value, expires_at };
};

/** What the data was last shaped for, by schema and by the engine's own tables; equal when nothing is to do. */
export const fingerprint = ({ version, collections }: StoreSchema, own = ''): string =>
  JSON.stringify([
    createHash('sha256').update(own).digest('base64url'),
    version,
    // in the order of their names: a program and a function list them differently
    collections
      .map((each) => [each.name, each.version, Object.keys(each.indexes)] as const)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  ]);

/** What a store says of its own shape. */
export interface Shaped {
  version: number;
  /** The oldest version whose programs may work on it; none other than its own where it does not say. */
  serves_from?: number;
}

/**
 * Whether a newer program shaped the data, which then stays as it is.
 *
 * @throws StartError when this program can't work on it
 */
export const isNewer = (stored: Shaped, { version }: StoreSchema): boolean => {
  if (stored.version <= version) return false;
  if ((stored.serves_from ?? stored.version) <= version) return true;
  throw new StartError(
    `The store holds data of schema version ${stored.version}, newer than ${version} of this program: start the newer program, or restore a backup made before it`,
  );
};

/** What a store notes when it has been brought into shape. */
export const shapedNow = ({ version, serves_from = version }: StoreSchema, print: string) => ({
  version,
  serves_from,
  fingerprint: print,
});
