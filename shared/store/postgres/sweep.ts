/** Removes expired records in PostgreSQL: one process at a time, in statements that are over in milliseconds. */
import type { Clock } from '../../ports/clock.ts';
import { tableOf } from '../sql.ts';
import { type Step, SWEEP_LIMIT } from '../sweeper.ts';
import type { Connections } from './pool.ts';

/** One number for all processes that sweep a store: "p21s" in ASCII. */
const LOCK = 0x70323173;

/**
 * The step of a sweep. Whoever finds another one at it removes nothing; the lock ends with the statement. Rows that
 * somebody writes are passed over, and whoever writes one that is being removed waits for this statement only.
 */
export const sweeping =
  (connections: Connections, clock: Clock): Step =>
  async (collection) => {
    const table = tableOf(collection);
    // an array, for which the planner looks the rows up by their keys; a join it might make by reading the whole table
    const rows = await connections.query<{ count: number }>(
      `WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(${LOCK}) AS mine),
      gone AS (DELETE FROM ${table} WHERE id = ANY (ARRAY(
        SELECT id FROM ${table} WHERE (SELECT mine FROM turn) AND expires_at <= $1
        ORDER BY expires_at LIMIT ${SWEEP_LIMIT} FOR UPDATE SKIP LOCKED)) RETURNING 1)
      SELECT count(*) AS count FROM gone`,
      [clock.now()],
    );
    return rows[0]!.count;
  };
