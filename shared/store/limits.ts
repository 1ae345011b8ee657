/** What the port accepts, checked before an engine is asked, so that all engines accept the same. */
import { AppError } from '../kit/errors.ts';
import type { Effects, PageRequest, Write } from '../ports/store.ts';

const MAX_KEY_BYTES = 1024;
const MAX_TOGETHER = 100;
const MAX_MANY = 1000;

/** Whether every engine can keep this text as an id, hash or queue: 1 to 1024 bytes of UTF-8 without NUL. */
export const isKey = (text: string): boolean =>
  text.length > 0 && isSort(text) && (text.length * 3 <= MAX_KEY_BYTES || Buffer.byteLength(text) <= MAX_KEY_BYTES);

/** The same for a sort value, which may be empty. */
export const isSort = (text: string): boolean =>
  text.length <= MAX_KEY_BYTES && text.isWellFormed() && !text.includes('\0');

const storable = (ok: boolean): void => {
  if (!ok) throw new AppError('invalid_request', { detail: 'A key is empty, too long or not text' });
};

/**
 * Refuses what no engine could do at once.
 *
 * @throws RangeError for more than 100 changes or a record that appears twice: a mistake in the program
 * @throws AppError `invalid_request` for an id that can't be kept
 */
export const checkTransact = (writes: readonly Write[], { enqueue = [], settle = [] }: Effects): void => {
  if (writes.length + enqueue.length + settle.length > MAX_TOGETHER) {
    throw new RangeError(`a transaction holds at most ${MAX_TOGETHER} writes and messages`);
  }
  const seen = new Set<string>();
  for (const { collection, id } of writes) {
    checkId(id);
    seen.add(`${collection.name}\0${id}`);
  }
  if (seen.size !== writes.length) throw new RangeError('a record appears twice in one transaction');
  for (const { queue, id, order_key } of enqueue) {
    storable(isKey(queue) && isKey(id) && (order_key === undefined || isKey(order_key)));
  }
};

/** @throws AppError `invalid_request` for an id that can't be kept */
export const checkId = (id: string): void => storable(isKey(id));

/** Refuses index values that not every engine could keep. */
export const checkIndexKey = (key: { hash: string; sort: string } | undefined): typeof key => {
  if (key) storable(isKey(key.hash) && isSort(key.sort));
  return key;
};

/** The ids to look for: each once, without those that can't exist. */
export const manyIds = (ids: readonly string[]): string[] => {
  if (ids.length > MAX_MANY) throw new RangeError(`at most ${MAX_MANY} ids at once`);
  return [...new Set(ids)].filter(isKey);
};

/** A page request with its defaults. Throws RangeError for a limit out of 1 to 1000: doors validate before. */
export const pageOf = ({ limit = 50, order = 'asc', ...rest }: PageRequest = {}) => {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000) throw new RangeError('a page holds 1 to 1000 records');
  const { from, prefix } = rest;
  if (from !== undefined) storable(isSort(from));
  if (prefix !== undefined) storable(isSort(prefix));
  if (from !== undefined && prefix !== undefined) throw new RangeError('a page is of a prefix or from a value');
  return { limit, order, ...rest };
};

/** By bytes, as the engines compare. */
export const isBefore = (one: string, other: string): boolean =>
  Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0;

/** The least text, by bytes, that is greater than all that begin so; undefined where there is none. */
export const behindPrefix = (prefix: string): string | undefined => {
  const points = [...prefix].map((character) => character.codePointAt(0)!);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // no text has code points of its own from D800 to DFFF
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
};
