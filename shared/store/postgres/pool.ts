/** Connections to one PostgreSQL: named statements, retries of what the server undid, and errors in the port's terms. */
import type { Client, Pool, PoolClient, QueryConfig } from 'pg';
import type { PostgresConfig } from '../../config/store.ts';
import { AppError } from '../../kit/errors.ts';
import type { Log } from '../../ports/log.ts';

const TIMEOUT_MS = 10_000;
const CONNECT_MS = 5000;
const TRIES = 5;
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
  isWire(error) || AWAY.test(sqlState(error)!) ? new AppError('unavailable', { cause: error }) : error;

export interface Options {
  /** Done again once when the connection broke: for what changes nothing. */
  reads?: boolean;
}

export class Connections {
  readonly #pool: Pool;
  readonly #another: () => Client;
  readonly #names = new Map<string, string>();
  #ending: Promise<void> | undefined;
  /** Connections count up; those up to `#condemned` are thrown away before they are used again. */
  readonly #numbers = new WeakMap<PoolClient, number>();
  #made = 0;
  #condemned = 0;

  private constructor(pool: Pool, another: () => Client) {
    this.#pool = pool;
    this.#another = another;
    pool.on('connect', (client) => {
      this.#made += 1;
      this.#numbers.set(client, this.#made);
    });
  }

  /** Makes the pool; connects to nothing yet. */
  static async to({ url, max }: PostgresConfig, log: Log): Promise<Connections> {
    // loaded here, so that who runs on another engine never loads it
    const { default: pg } = await import('pg');
    const options = {
      connectionString: url,
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: TIMEOUT_MS,
      // a server that is gone without a word answers nothing, not even a timeout
      query_timeout: TIMEOUT_MS + 1000,
      keepAlive: true,
      application_name: 'perfect21',
      types: {
        getTypeParser: (oid: number, format?: any) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)),
      } as typeof pg.types,
    };
    const pool = new pg.Pool({ ...options, max });
    pool.on('error', (error) => log.warn('store.connection_lost', { error }));
    // the pool listens to idle connections only; one that breaks while lent would end the process
    pool.on('connect', (client) => client.on('error', () => undefined));
    return new Connections(pool, () => new pg.Client(options));
  }

  /** Runs a statement by itself: a transaction of its own. */
  async query<T extends object>(
    text: string,
    values: readonly unknown[],
    { reads = false }: Options = {},
  ): Promise<T[]> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.use(async (client) => (await client.query<T>(this.#statement(text, values))).rows);
      } catch (error) {
        const state = sqlState(error) ?? '';
        // where one connection was left behind by its server, a new one leads to the server of today
        const again = UNDONE.has(state)
          ? tried < TRIES
          : tried === 1 && (state === READ_ONLY || (reads && isCondemned(error)));
        if (!again || this.#ending) throw toPortError(error);
      }
    }
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

  /** A connection beside the pool, for whoever keeps it. */
  async apart(): Promise<Client> {
    const client = this.#another();
    // it tells of its end by itself
    client.on('error', () => undefined);
    await client.connect();
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

  /** Prepared by name, so that it is planned once a connection; not without bound, for each name stays there. */
  #statement(text: string, values: readonly unknown[]): QueryConfig {
    let name = this.#names.get(text);
    if (!name && this.#names.size < MAX_NAMED) {
      name = `p21_${this.#names.size}`;
      this.#names.set(text, name);
    }
    return { ...(name && { name }), text, values: values as unknown[] };
  }
}
