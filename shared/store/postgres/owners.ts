/**
 * Who holds claims in a PostgreSQL database, and who of them still lives.
 *
 * Each process has one connection beside the pool, on which a transaction stays open that holds an advisory lock on the
 * process's number. The server frees it when the connection ends, and the process dies with its connection. In a
 * transaction, because a pooler that lends connections by the transaction leaves such a one alone; it has read nothing,
 * so it keeps no row from being cleaned up.
 */
import type { Client } from 'pg';
import { AppError } from '../../kit/errors.ts';
import type { Ids } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Connections } from './pool.ts';

/** The first half of the locks' keys: "p21o" in ASCII. */
const CLASS = 0x7032316f;
/** A process whose connection broke has this long to take its lock again before it counts as dead, ms. */
export const GRACE_MS = 1_000;
const AGAIN_MS = 100;
const HELD_MS = 5_000;
const MOST_GONE = 1_000;

export const OWNERS = 'CREATE TABLE IF NOT EXISTS claim_owners (id int PRIMARY KEY);';

// an open transaction is what it is for; and a machine that is gone without a word is noticed
export const SETTINGS = `SELECT set_config(name, value, true) FROM (VALUES ('idle_in_transaction_session_timeout', '0'),
  ('transaction_timeout', '0'), ('tcp_keepalives_idle', '5'), ('tcp_keepalives_interval', '2'), ('tcp_keepalives_count', '3'))
  AS wanted (name, value) WHERE name IN (SELECT name FROM pg_settings)`;
const ENTER = 'INSERT INTO claim_owners VALUES ($1) ON CONFLICT DO NOTHING';
const LOCK = 'SELECT pg_try_advisory_xact_lock($1, $2) AS held';
// shared, so that those who look are not in each other's way
const SUSPECTS = `SELECT id FROM (SELECT id FROM claim_owners UNION SELECT $2::int) AS owners (id)
  WHERE pg_try_advisory_xact_lock_shared($1, id)`;
const FREE = `WITH gone AS (
  DELETE FROM claim_owners WHERE id = ANY ($2) AND pg_try_advisory_xact_lock_shared($1, id) RETURNING id
), freed AS (
  UPDATE messages m SET claim = NULL, claimed_until = 0 FROM gone WHERE m.claim LIKE gone.id || '.%' RETURNING m.queue
) SELECT DISTINCT queue FROM freed`;
const LEAVE = `WITH own AS (DELETE FROM claim_owners WHERE id = $1 RETURNING id)
  UPDATE messages m SET claim = NULL, claimed_until = 0 FROM own WHERE m.claim LIKE own.id || '.%'`;

const NAME = /^-?\d{1,10}$/;

export class Owners {
  readonly #connections: Connections;
  readonly #log: Log;
  readonly #id: number;
  #client: Client | undefined;
  #held: Promise<void> | undefined;
  #closed = false;
  /** When the lock of another was first found free. */
  readonly #suspected = new Map<number, number>();
  /** Those that this process found dead. */
  readonly #gone = new Set<number>();

  constructor(connections: Connections, ids: Ids, log: Log) {
    this.#connections = connections;
    this.#log = log;
    this.#id = Buffer.from(ids.random(4), 'base64url').readInt32BE();
  }

  /**
   * The name of this process, while its lock is held.
   *
   * @throws AppError `unavailable` when the lock can't be had
   */
  async name(): Promise<string> {
    this.#held ??= this.#hold(performance.now() + HELD_MS);
    await this.#held;
    return String(this.#id);
  }

  /** Whether the process of this name has ended. Takes a second to say yes of one that was not found dead before. */
  async isGone(name: string): Promise<boolean> {
    if (!NAME.test(name) || Number(name) === this.#id) return false;
    if (this.#gone.has(Number(name))) return true;
    const free = async (): Promise<boolean> => {
      const [row] = await this.#connections.query<{ held: boolean }>(
        'SELECT pg_try_advisory_xact_lock_shared($1, $2) AS held',
        [CLASS, Number(name)],
      );
      return row!.held;
    };
    if (!(await free())) return false;
    await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
    return free();
  }

  /** Frees what dead processes held. Gives the queues concerned. */
  async free(): Promise<Set<string>> {
    const free = (await this.#connections.query<{ id: number }>(SUSPECTS, [CLASS, this.#id])).map(({ id }) => id);
    // another server took over, and the connection of the lock stayed with the old one
    if (free.includes(this.#id)) this.#client?.end().catch(() => undefined);
    const suspects = free.filter((id) => id !== this.#id);
    for (const id of this.#suspected.keys()) if (!suspects.includes(id)) this.#suspected.delete(id);
    const now = performance.now();
    for (const id of suspects) if (!this.#suspected.has(id)) this.#suspected.set(id, now);
    const dead = suspects.filter((id) => now - this.#suspected.get(id)! >= GRACE_MS);
    if (!dead.length) return new Set();
    const freed = await this.#connections.query<{ queue: string }>(FREE, [CLASS, dead]);
    for (const id of dead) {
      this.#suspected.delete(id);
      this.#gone.add(id);
    }
    for (const id of this.#gone) if (this.#gone.size > MOST_GONE) this.#gone.delete(id);
    return new Set(freed.map(({ queue }) => queue));
  }

  /** Lets go of the lock, and frees what is still claimed under it. */
  async close(): Promise<void> {
    this.#closed = true;
    if (!this.#held) return;
    await this.#held.catch(() => undefined);
    await this.#connections.query(LEAVE, [this.#id]).catch(() => undefined);
    await this.#client?.end().catch(() => undefined);
  }

  async #hold(until: number): Promise<void> {
    for (;;) {
      const client = await this.#connections.apart().catch(() => undefined);
      if (client && (await this.#lock(client).catch(() => false))) return this.#keep(client);
      await client?.end().catch(() => undefined);
      if (this.#closed || performance.now() > until) {
        this.#held = undefined;
        const cause = new Error('the lock that proves this process alive is not held');
        throw new AppError('unavailable', { cause, retry_after: 1 });
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  async #lock(client: Client): Promise<boolean> {
    await client.query(ENTER, [this.#id]);
    await client.query('BEGIN');
    await client.query(SETTINGS);
    const { rows } = await client.query<{ held: boolean }>(LOCK, [CLASS, this.#id]);
    return rows[0]!.held;
  }

  #keep(client: Client): void {
    this.#client = client;
    client.once('end', () => {
      if (this.#closed || this.#client !== client) return;
      this.#log.warn('store.owner_connection_lost', {});
      this.#held = this.#hold(Number.POSITIVE_INFINITY);
      this.#held.catch(() => undefined);
    });
  }
}
