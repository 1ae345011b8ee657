/** Connections to one PostgreSQL: named statements, retries of what the server undid, and errors in the port's terms. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, Pool, PoolClient, QueryConfig } from 'pg';
import type { PostgresConfig } from '../../config/store-postgres.ts';
import { AppError } from '../../kit/errors.ts';
import type { Log } from '../../ports/log.ts';

const TRIES = 5;
/** How long a call whose connection broke may look for what became of it, ms, and how often. */
const LOOK_MS = 3_000;
const AGAIN_MS = 50;
/** Seconds after which who was told `unavailable` may ask again. */
const RETRY_AFTER = 1;
const MAX_NAMED = 500;
const INT8 = 20;

/** SQLSTATEs of a transaction that was undone and may be done again: serialization failure, deadlock. */
const UNDONE: ReadonlySet<string> = new Set(['40001', '40P01']);
/** SQLSTATEs and classes that mean: not now. Connection, login, no such database, resources, intervention, system, read-only. */
const AWAY = /^(08|28|3D|53|57|58)|^(25006|55P03|40001|40P01)$/;

const READ_ONLY = '25006';
/** SQLSTATEs and classes that say that nothing comes of this connection any more: connection, read-only, shutdown, crash. */
const CONDEMNED = /^(08|25006$|57P0[123]$)/;

const sqlState = (error: unknown): string | undefined => {
  const { code, severity } = error as { code?: string; severity?: string };
  return severity ? code : undefined;
};

/** What comes without an SQLSTATE comes from the wire or the pool. */
const isWire = (error: unknown): boolean => sqlState(error) === undefined;

/** After FATAL and PANIC the server ends the session, whatever the code. */
const isCondemned = (error: unknown): boolean =>
  isWire(error) || CONDEMNED.test(sqlState(error)!) || /^(FATAL|PANIC)$/.test((error as { severity: string }).severity);

const toPortError = (error: unknown): unknown =>
  isWire(error) || AWAY.test(sqlState(error)!)
    ? new AppError('unavailable', { cause: error, retry_after: RETRY_AFTER })
    : error;

export interface Options<T> {
  /** Done again once when the connection broke: for what changes nothing. */
  reads?: boolean;
  /** For what changes something: what it gave, if it was committed although the connection broke before that was known. */
  committed?: () => Promise<T[] | undefined>;
}

export class Connections {
  readonly #pool: Pool;
  readonly #another: (patient: boolean) => Client;
  readonly #named: boolean;
  readonly #names = new Map<string, string>();
  #ending: Promise<void> | undefined;
  /** Connections count up; those up to `#condemned` are thrown away before they are used again. */
  readonly #numbers = new WeakMap<PoolClient, number>();
  #made = 0;
  #condemned = 0;

  private constructor(pool: Pool, another: (patient: boolean) => Client, named: boolean) {
    this.#pool = pool;
    this.#another = another;
    this.#named = named;
    pool.on('connect', (client) => {
      this.#made += 1;
      this.#numbers.set(client, this.#made);
    });
  }

  /** Makes the pool; connects to nothing yet. */
  static async to(config: PostgresConfig, log: Log): Promise<Connections> {
    // loaded here, so that who runs on another engine never loads it
    const { default: pg } = await import('pg');
    const { max, pooled, statement_timeout, lock_timeout, idle_in_transaction_session_timeout } = config;
    const options = {
      connectionString: config.url,
      connectionTimeoutMillis: config.connect_timeout,
      // a pooler refuses settings in the greeting, and would lend what was set to others
      ...(!pooled && { statement_timeout, lock_timeout, idle_in_transaction_session_timeout }),
      // a server that is gone without a word answers nothing, not even a timeout
      query_timeout: statement_timeout + 1000,
      keepAlive: true,
      application_name: config.application_name,
      types: {
        getTypeParser: (oid: number, format?: any) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)),
      } as typeof pg.types,
    };
    const pool = new pg.Pool({ ...options, max });
    pool.on('error', (error) => log.warn('store.connection_lost', { error }));
    // the pool listens to idle connections only; one that breaks while lent would end the process
    pool.on('connect', (client) => client.on('error', () => undefined));
    const another = (patient: boolean) => new pg.Client({ ...options, ...(patient && { query_timeout: 0 }) });
    return new Connections(pool, another, !pooled);
  }

  /** Runs a statement by itself: a transaction of its own. */
  async query<T extends object>(
    text: string,
    values: readonly unknown[],
    { reads = false, committed }: Options<T> = {},
  ): Promise<T[]> {
    for (let tried = 1; ; tried += 1) {
      let sent = false;
      try {
        return await this.use(async (client) => {
          sent = true;
          return (await client.query<T>(this.#statement(text, values))).rows;
        });
      } catch (error) {
        const state = sqlState(error) ?? '';
        // where one connection was left behind by its server, a new one leads to the server of today
        const again = UNDONE.has(state)
          ? tried < TRIES
          : tried === 1 && (state === READ_ONLY || (reads && isCondemned(error)));
        if (again && !this.#ending) continue;
        const unsure = sent && committed && state !== READ_ONLY && isCondemned(error);
        const rows = unsure ? await this.#lookFor(committed) : undefined;
        if (!rows) throw toPortError(error);
        return rows;
      }
    }
  }

  /** What became of a statement whose answer was lost, as soon as the server says; undefined when it was not committed. */
  async #lookFor<T>(committed: () => Promise<T[] | undefined>): Promise<T[] | undefined> {
    for (const until = performance.now() + LOOK_MS; !this.#ending; await sleep(AGAIN_MS)) {
      try {
        return await committed();
      } catch {
        if (performance.now() > until) return undefined;
      }
    }
    return undefined;
  }

  /**
   * Lends a connection. One that broke, or whose server no longer is what it was, is thrown away; one whose statement was
   * refused is not. A server that became read-only (its place was taken by another) did so to all its connections.
   */
  async use<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      // the first of many that fail together tells of all; what is made after it is not judged by the rest
      if (sqlState(error) === READ_ONLY && this.#numberOf(client) > this.#condemned) this.#condemned = this.#made;
      client.release(isCondemned(error));
      throw error;
    }
  }

  /** A connection beside the pool, for whoever keeps it. `patient`: its statements may take any time. */
  async apart({ patient = false } = {}): Promise<Client> {
    const client = this.#another(patient);
    // it tells of its end by itself
    client.on('error', () => undefined);
    await client.connect();
    if (patient && this.#named) await client.query('SET statement_timeout = 0');
    return client;
  }

  async #connect(): Promise<PoolClient> {
    for (;;) {
      const client = await this.#pool.connect();
      if (this.#numberOf(client) > this.#condemned) return client;
      client.release(true);
    }
  }

  #numberOf(client: PoolClient): number {
    return this.#numbers.get(client) ?? 0;
  }

  close(): Promise<void> {
    this.#ending ??= this.#pool.end();
    return this.#ending;
  }

  /**
   * Prepared by name, so that it is planned once a connection; not without bound, for each name stays there. Behind a
   * pooler no name: the next transaction may be another connection's.
   */
  #statement(text: string, values: readonly unknown[]): QueryConfig {
    let name = this.#names.get(text);
    if (!name && this.#named && this.#names.size < MAX_NAMED) {
      name = `p21_${this.#names.size}`;
      this.#names.set(text, name);
    }
    return { ...(name && { name }), text, values: values as unknown[] };
  }
}
