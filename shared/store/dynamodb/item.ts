/** A record as a DynamoDB item, and back. */
import { createHash } from 'node:crypto';
import type { Collection, Counter, Stored } from '../../ports/store.ts';
import { checkIndexKey } from '../limits.ts';
import { indexKey, isExpired, upcast } from '../record.ts';

/** Besides these, `<index>_hash` and `<index>_sort` for each index that the record is in. */
export interface Item {
  id: string;
  version: number;
  /** Shape of the value: the collection's version when it was written. */
  v: number;
  /** As JSON: a DynamoDB map can't hold every text and number that the port promises. Left out for a counter. */
  value?: string;
  /** Of a counter, apart so that it can be added to. */
  count?: number;
  /** Unix ms; from then on no read or condition sees it. */
  expires_at?: number;
  /** Unix seconds; some time after, DynamoDB removes it. */
  ttl?: number;
  /** Who wrote it last: how a write recognizes itself after its answer was lost. */
  mark?: string;
  [attribute: string]: unknown;
}

/** The partitions of a hash: one by its own name, or several, over which records are spread by their ids. */
export const shardsOf = (hash: string, shards = 1): string[] =>
  shards === 1 ? [hash] : Array.from({ length: shards }, (_, n) => `${hash}#${n}`);

const shardOf = (hash: string, id: string, shards = 1): string =>
  shards === 1 ? hash : shardsOf(hash, shards)[createHash('sha256').update(id).digest()[0]! % shards]!;

/** The most that DynamoDB takes as a sort key. */
const SORT_BYTES = 1024;

export const hashOf = (index: string): string => `${index}_hash`;
export const sortOf = (index: string): string => `${index}_sort`;

/** Cut to `SORT_BYTES`, never inside of a character. */
const cut = (text: string): string => {
  if (text.length * 3 <= SORT_BYTES) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= SORT_BYTES) return text;
  let end = SORT_BYTES;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString();
};

/**
 * The sort attribute: sort value and id with NUL (which no key holds) between, so that it is never empty and equal sort
 * values are ordered by id. Beyond 1024 bytes it is cut: such records may stand in any order among themselves.
 */
export const sortKey = (sort: string, id: string): string => cut(`${sort}\0${id}`);

/** The sort value in a sort attribute. */
export const sortValue = (attribute: string): string => attribute.split('\0', 1)[0]!;

/** The least sort attribute of a sort value; undefined when that is no limit. */
export const sortFrom = (from: string | undefined): string | undefined => (from ? cut(from) : undefined);

const isCounter = (value: any): value is Counter => Number.isFinite(value?.count) && Object.keys(value).length === 1;
const asKept = (value: unknown) => (isCounter(value) ? { count: value.count } : { value: JSON.stringify(value) });

/** @throws AppError `invalid_request` for an index value that can't be kept */
export const toItem = (
  collection: Collection,
  { id, version, value, expires_at }: Stored<unknown>,
  mark?: string,
): Item => {
  const item: Item = { id, version, v: collection.version, ...asKept(value) };
  if (expires_at !== undefined) {
    item.expires_at = expires_at;
    item.ttl = Math.ceil(expires_at / 1000);
  }
  if (mark) item.mark = mark;
  for (const [index, { shards }] of Object.entries(collection.indexes)) {
    const key = checkIndexKey(indexKey(collection, index, value, id));
    if (!key) continue;
    item[hashOf(index)] = shardOf(key.hash, id, shards);
    item[sortOf(index)] = sortKey(key.sort, id);
  }
  return item;
};

/** Undefined for no item and for one past its time. */
export const fromItem = <T>(
  collection: Collection<string, T>,
  item: Record<string, any> | undefined,
  now: number,
): Stored<T> | undefined => {
  if (!item || isExpired(item.expires_at, now)) return undefined;
  const { id, version, v, value, count, expires_at } = item as Item;
  const kept = value === undefined ? { count } : JSON.parse(value);
  return { id, version, value: upcast(collection, v, kept), ...(expires_at !== undefined && { expires_at }) };
};

interface Condition {
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Record<string, unknown>;
}

/** There is no such record, or it is past its time. */
export const absent = (now: number): Condition => ({
  ConditionExpression: 'attribute_not_exists(#id) OR #expires_at <= :now',
  ExpressionAttributeNames: { '#id': 'id', '#expires_at': 'expires_at' },
  ExpressionAttributeValues: { ':now': now },
});

/** The record is alive and as it was read. */
export const unchanged = (version: number, now: number): Condition => ({
  ConditionExpression: '#version = :version AND (attribute_not_exists(#expires_at) OR #expires_at > :now)',
  ExpressionAttributeNames: { '#version': 'version', '#expires_at': 'expires_at' },
  ExpressionAttributeValues: { ':version': version, ':now': now },
});
