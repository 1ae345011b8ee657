/** One open SQLite file: pragmas, cached statements, transactions, and errors in the port's terms. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { AppError } from '../../kit/errors.ts';
import type { Place } from './place.ts';

/** Primary result codes that mean the engine is away for now: busy, locked, read-only, I/O, full, can't open, protocol. */
const AWAY: ReadonlySet<number> = new Set([5, 6, 8, 10, 13, 14, 15]);

/** SQLite's primary result code of an error; 0 when it comes from elsewhere. */
export const resultCode = (error: unknown): number => ((error as { errcode?: number })?.errcode ?? 0) & 0xff;

const toPortError = (error: unknown): unknown =>
  AWAY.has(resultCode(error)) ? new AppError('unavailable', { cause: error }) : error;

export class Database {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor({ file, busy_timeout, max_page_count }: Place) {
    this.#db = new DatabaseSync(file, { timeout: busy_timeout });
    try {
      // WAL: readers and a writer don't wait for each other, and a commit is one append. `full` would block the process
      // for the disk at each commit; group-commit.ts has the journal flushed instead
      this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY');
      // a million accounts have gigabytes of indexes: without room for their upper pages, and with a checkpoint every 4 MB, an
      // import writes the same pages again and again
      this.#db.exec('PRAGMA cache_size = -32000; PRAGMA wal_autocheckpoint = 8000');
      if (max_page_count) this.#db.exec(`PRAGMA max_page_count = ${max_page_count}`);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#guard(() => this.#prepare(sql).get(...values)) as T | undefined;
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#guard(() => this.#prepare(sql).all(...values)) as T[];
  }

  /** The same as lists of columns, which SQLite's binding makes in two thirds of the time. */
  tuples<T extends readonly unknown[]>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#guard(() => this.#prepare(sql, true).all(...values)) as unknown as T[];
  }

  /** Runs a statement that changes rows; returns how many. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return this.#guard(() => Number(this.#prepare(sql).run(...values).changes));
  }

  /** Does all of it or nothing. Takes the write lock first, so that what is read inside stays true until the commit. */
  transaction<T>(work: () => T): T {
    this.run('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.run('COMMIT');
      return result;
    } catch (error) {
      // a full disk may have rolled back already
      if (this.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  get inTransaction(): boolean {
    return this.#db.isOpen && this.#db.isTransaction;
  }

  close(): void {
    if (!this.#db.isOpen) return;
    this.#statements.clear();
    this.#db.close();
  }

  /** @param tuples always or never of one statement */
  #prepare(sql: string, tuples = false): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      statement.setReturnArrays(tuples);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #guard<T>(work: () => T): T {
    if (!this.#db.isOpen) throw new AppError('unavailable', { cause: new Error('the store is closed') });
    try {
      return work();
    } catch (error) {
      throw toPortError(error);
    }
  }
}
