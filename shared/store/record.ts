/** What a record is on every engine: its version, its age, its index values, and its value in today's shape. */
import { randomInt } from 'node:crypto';
import type { Clock } from '../ports/clock.ts';
import type { Collection } from '../ports/store.ts';

/** True from the millisecond `expires_at` on. */
export const isExpired = (expiresAt: number | null | undefined, now: number): boolean =>
  expiresAt !== null && expiresAt !== undefined && expiresAt <= now;

/**
 * Makes record versions. They follow the clock (microseconds, so whole numbers that fit until 2255) and only rise within
 * a process, so that an id that is deleted and inserted again never gets a version it had before; the random part
 * keeps two processes apart that write one id within a millisecond.
 */
export class Versions {
  readonly #clock: Clock;
  #last = 0;
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The version of a record written over `old`, or of a new one. */
  next(old = 0): number {
    this.#last = Math.max(this.#last + 1, old + 1, this.#clock.now() * 1000 + randomInt(1000));
    return this.#last;
  }
}

/** A stored value of version `v`, lifted to the collection's version; a newer one that it accepts stays as it is. */
export const upcast = <T>(collection: Collection<string, T>, v: number, value: unknown): T => {
  if (v > Math.max(collection.version, collection.accepts)) {
    throw new Error(`${collection.name} holds a record of version ${v}, newer than ${collection.version}`);
  }
  if (v === collection.version) return value as T;
  let lifted = value;
  for (const migrate of collection.migrate.slice(v - 1)) lifted = migrate(lifted);
  return lifted as T;
};

/** Where a record stands in an index; undefined where it is left out. */
export const indexKey = (
  collection: Collection<string, any>,
  index: string,
  value: unknown,
  id: string,
): { hash: string; sort: string } | undefined => {
  const { hash, sort } = indexOf(collection, index);
  const found = hash(value, id);
  return found === undefined ? undefined : { hash: found, sort: sort(value, id) };
};

/** The declared index. Throws for one that is not: a mistake in the program. */
export const indexOf = (collection: Collection<string, any>, index: string) => {
  if (!Object.hasOwn(collection.indexes, index)) throw new Error(`${collection.name} has no index ${index}`);
  return collection.indexes[index]!;
};
