/**
 * Several transactions, one commit. What is asked for in one turn of the event loop is written in one transaction of
 * the file, each part behind a savepoint, so that a busy process waits for the disk once for all of them; and while it
 * waits, it goes on.
 */
import type { Database } from './database.ts';
import type { Journal } from './journal.ts';

/** So that no commit holds the event loop longer than some milliseconds. */
const MOST_TOGETHER = 64;

interface Job {
  work: () => unknown;
  durable: boolean;
  settle: (outcome: Outcome) => void;
}
type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown };

export class GroupCommit {
  readonly #db: Database;
  readonly #journal: Journal | undefined;
  #waiting: Job[] = [];

  /** @param journal what durable work waits for; left out where a power cut may take everything back */
  constructor(db: Database, journal?: Journal) {
    this.#db = db;
    this.#journal = journal;
  }

  /**
   * Does the work atomically. Resolves after its commit; rejects, having written nothing, with what the work throws.
   *
   * @param durable false for what a power cut may take back (a killed process may not): no commit waits for the disk for
   * it, and the next one that does carries it along
   */
  submit<T>(work: () => T, durable = true): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (outcome: Outcome) => (outcome.ok ? resolve(outcome.value as T) : reject(outcome.error));
      if (this.#waiting.push({ work, durable, settle }) === 1) setImmediate(() => this.#flush());
    });
  }

  /** Commits what waits, now. */
  flush(): void {
    while (this.#waiting.length) this.#commit(this.#waiting.splice(0, MOST_TOGETHER));
  }

  #flush(): void {
    this.#commit(this.#waiting.splice(0, MOST_TOGETHER));
    if (this.#waiting.length) setImmediate(() => this.#flush());
  }

  #commit(jobs: readonly Job[]): void {
    if (!jobs.length) return;
    let outcomes: Outcome[];
    try {
      outcomes = this.#db.transaction(() => jobs.map(({ work }) => this.#part(work, jobs.length === 1)));
    } catch (error) {
      outcomes = jobs.map(() => ({ ok: false, error }));
    }
    const held: { settle: Job['settle']; outcome: Outcome }[] = [];
    for (const [n, { settle, durable }] of jobs.entries()) {
      const outcome = outcomes[n]!;
      if (this.#journal && durable && outcome.ok) held.push({ settle, outcome });
      else settle(outcome);
    }
    if (!held.length) return;
    this.#journal!.flush().then(
      () => {
        for (const { settle, outcome } of held) settle(outcome);
      },
      (error: unknown) => {
        for (const { settle } of held) settle({ ok: false, error });
      },
    );
  }

  /** Alone, its failure undoes the transaction, and no savepoint is needed. */
  #part(work: () => unknown, alone: boolean): Outcome {
    if (alone) return { ok: true, value: work() };
    this.#db.run('SAVEPOINT part');
    try {
      const value = work();
      this.#db.run('RELEASE part');
      return { ok: true, value };
    } catch (error) {
      // a full disk undoes the whole transaction by itself: then nobody's part is done
      if (!this.#db.inTransaction) throw error;
      this.#db.run('ROLLBACK TO part');
      this.#db.run('RELEASE part');
      return { ok: false, error };
    }
  }
}
