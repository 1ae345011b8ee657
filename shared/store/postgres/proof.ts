/**
 * Whether a transaction was committed whose connection broke before its answer came: a restart or a failover in the middle
 * of it. Versions of records are never used twice, so a record that has the one that was to be written tells.
 */
import type { Collection, Effects } from '../../ports/store.ts';
import { tableOf } from '../sql.ts';
import type { Connections } from './pool.ts';

const READS = { reads: true };

/** A record, and the version that it was to get. */
export interface Put {
  collection: Collection;
  id: string;
  version: number;
}

type Answer = { done: number };
const DONE: Answer[] = [{ done: 1 }];

/** What a look at one record gives, where it has the version that was to be written. */
export const written = <T extends object>(
  connections: Connections,
  { collection, id, version }: Put,
  columns: string,
): Promise<T[]> =>
  connections.query<T>(
    `SELECT ${columns} FROM ${tableOf(collection)} WHERE id = $1 AND version = $2`,
    [id, version],
    READS,
  );

/**
 * How to find out: by a record, else by a message that was to be there, else by one that was to be gone. Undefined where
 * nothing tells, as when records were only removed.
 *
 * Where others wrote the record since, it says no although it was committed.
 */
export const proofOf = (
  connections: Connections,
  put: Put | undefined,
  { settle: [gone] = [], enqueue: [added] = [] }: Effects,
): (() => Promise<Answer[] | undefined>) | undefined => {
  if (put) {
    return async () => ((await written(connections, put, '1')).length ? DONE : undefined);
  }
  const message = added ?? gone;
  if (!message) return undefined;
  return async () => {
    const there = 'SELECT 1 FROM messages WHERE queue = $1 AND id = $2';
    const rows = await connections.query(there, [message.queue, message.id], READS);
    return rows.length > 0 === (message === added) ? DONE : undefined;
  };
};
