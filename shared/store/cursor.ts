/** Cursors: where a page ended. Opaque to the caller, bound to the query they come from, and not to be forged. */
import { timingSafeEqual } from 'node:crypto';
import { AppError } from '../kit/errors.ts';
import { hmac } from '../kit/hmac.ts';
import type { Secrets } from '../ports/secrets.ts';
import type { Reader } from '../ports/store.ts';
import { indexKey } from './record.ts';

/** The query a cursor belongs to. */
export interface Place {
  collection: string;
  index: string;
  hash: string;
  order: 'asc' | 'desc';
  prefix?: string;
}

/** The last record shown. */
export interface Position {
  sort: string;
  id: string;
}

export interface Cursors {
  write(place: Place, position: Position): string;
  /** @throws AppError `invalid_request` (path `cursor`) when it was not written here for this place */
  read(place: Place, cursor: string): Position;
}

const MAC_BYTES = 32;

const refuse = (): never => {
  throw new AppError('invalid_request', {
    errors: [{ path: 'cursor', message: 'Not a cursor of this list' }],
  });
};

/**
 * Cursors under the key for the purpose `cursor`: base64url(HMAC-SHA256 ‖ position). The MAC covers the place too, so
 * that a cursor is of no use elsewhere, and the hash (which may be an e-mail address) need not travel in it.
 */
export const cursors = (secrets: Secrets): Cursors => {
  const keys = secrets.keys('cursor');
  const mac = ({ collection, index, hash, order, prefix }: Place, position: string, key = keys[0]!): Buffer =>
    hmac(key, JSON.stringify([collection, index, hash, order, position, ...(prefix ? [prefix] : [])]));
  return {
    write: (place, { sort, id }) => {
      const position = JSON.stringify([sort, id]);
      return Buffer.concat([mac(place, position), Buffer.from(position)]).toString('base64url');
    },
    read: (place, cursor) => {
      const bytes = Buffer.from(cursor, 'base64url');
      // one position has one spelling: Buffer skips what is no base64url
      if (bytes.length <= MAC_BYTES || bytes.toString('base64url') !== cursor) return refuse();
      const position = bytes.subarray(MAC_BYTES).toString();
      const given = bytes.subarray(0, MAC_BYTES);
      if (!keys.some((key) => timingSafeEqual(given, mac(place, position, key)))) return refuse();
      const [sort, id] = JSON.parse(position) as [string, string];
      return { sort, id };
    },
  };
};

/** The cursor behind a record that somebody shows. See Reader.cursorAt. */
export const cursorAt =
  ({ write }: Cursors): Reader['cursorAt'] =>
  (collection, index, hash, { id, value }, { order = 'asc', prefix } = {}) => {
    const key = indexKey(collection, index, value, id);
    if (key?.hash !== hash) throw new Error(`${collection.name} has no such record in ${index}`);
    return write({ collection: collection.name, index, hash, order, prefix }, { sort: key.sort, id });
  };
