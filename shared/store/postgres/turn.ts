/** Sees to it that one process at a time reshapes a database. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { SETTINGS } from './owners.ts';
import type { Connections } from './pool.ts';

/** One number for all processes that shape a store: "p21" in ASCII. */
const LOCK = 0x703231;
const AGAIN_MS = 100;

export interface Turn {
  /** For the work; it ends when the turn is lost. */
  client: Client;
  end(): Promise<void>;
}

/**
 * Waits for this process's turn, however long others take; the server takes it from who died.
 *
 * The lock is held by a transaction of a second connection, as indexes can't be made concurrently in one. It asks again
 * and again: who waited in a statement would be waited for by who makes an index, and both would stand still.
 */
export const holdTurn = async (connections: Connections): Promise<Turn> => {
  const holder = await connections.apart();
  const open: Client[] = [holder];
  const end = async () => {
    for (const each of open.reverse()) await each.end().catch(() => undefined);
  };
  try {
    await holder.query('BEGIN');
    await holder.query(SETTINGS);
    for (;;) {
      const { rows } = await holder.query<{ mine: boolean }>(`SELECT pg_try_advisory_xact_lock(${LOCK}) AS mine`);
      if (rows[0]!.mine) break;
      await sleep(AGAIN_MS);
    }
    const client = await connections.apart({ patient: true });
    open.push(client);
    holder.once('end', () => void client.end().catch(() => undefined));
    return { client, end };
  } catch (error) {
    await end();
    throw error;
  }
};
