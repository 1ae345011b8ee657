/**
 * Messages of one SQLite file.
 *
 * `head` marks those that may be claimed: without an order key, or the earliest of their key. Enqueuing and settling
 * keep it, so that a claim reads an index of candidates only, however many messages wait behind them.
 */
import type { Clock, Ids } from '../../ports/clock.ts';
import type { Claimed, ClaimOptions, Messages, NewMessage } from '../../ports/store.ts';
import type { Database } from './database.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Journal } from './journal.ts';
import type { Owners } from './owners.ts';

/** How often a busy process looks for dead ones, ms; an idle one looks at each claim. */
const LOOK_EVERY_MS = 250;

// indexes are named, because the planner, knowing no numbers, would walk the whole queue
const INSERT = `INSERT INTO messages (queue, id, order_key, priority, available_at, since, attempts, reason, head, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
const FIRST = `SELECT id, id <= ? AS earlier FROM messages INDEXED BY messages_keys
  WHERE queue = ? AND order_key = ? ORDER BY id LIMIT 1`;
const DEMOTE = 'UPDATE messages SET head = 0 WHERE queue = ? AND id = ?';
const PROMOTE = `UPDATE messages SET head = 1 WHERE queue = ?1 AND id =
  (SELECT id FROM messages INDEXED BY messages_keys WHERE queue = ?1 AND order_key = ?2 ORDER BY id LIMIT 1)`;
const SETTLE = 'DELETE FROM messages WHERE queue = ? AND id = ? AND claim = ? RETURNING order_key';
const RELEASE = `UPDATE messages SET claim = NULL, claimed_until = 0, available_at = ?, reason = coalesce(?, reason)
  WHERE queue = ? AND id = ? AND claim = ?`;
const CANDIDATES = `SELECT id FROM messages INDEXED BY messages_heads WHERE queue = ? AND head = 1 AND priority = ? AND available_at <= ?
  AND claimed_until <= ? ORDER BY available_at, id LIMIT ?`;
// each priority is one look into the index, up to the time it is
const PRIORITIES = `SELECT column1 AS priority FROM (VALUES (9), (8), (7), (6), (5), (4), (3), (2), (1), (0))
  WHERE EXISTS (SELECT 1 FROM messages INDEXED BY messages_heads WHERE queue = ?1 AND head = 1 AND priority = column1
  AND available_at <= ?2 AND claimed_until <= ?3) ORDER BY priority DESC`;
const CLAIM = `UPDATE messages SET claimed_until = ?, claim = ?, attempts = attempts + 1 WHERE queue = ? AND id = ?
  RETURNING *`;
// a claim is `<owner>.<uuid>`, and / follows . in ASCII
const FREE = `UPDATE messages SET claim = NULL, claimed_until = 0 WHERE claim >= ?1 || '.' AND claim < ?1 || '/'
  RETURNING queue`;
const DEPTH = 'SELECT count(*) AS count, min(since) AS oldest_at FROM messages WHERE queue = ?';
const PEEK = 'SELECT * FROM messages WHERE queue = ? AND id > ? ORDER BY id LIMIT ?';

interface Row {
  queue: string;
  id: string;
  order_key: string | null;
  priority: number;
  available_at: number;
  since: number;
  claim: string | null;
  attempts: number;
  reason: string | null;
  body: string;
}

const toClaimed = (row: Row): Claimed => ({
  queue: row.queue,
  id: row.id,
  ...(row.order_key !== null && { order_key: row.order_key }),
  priority: row.priority,
  available_at: row.available_at,
  body: JSON.parse(row.body),
  attempts: row.attempts,
  ...(row.reason !== null && { reason: row.reason }),
  claim: row.claim ?? '',
});

interface Surroundings {
  clock: Clock;
  ids: Ids;
  owners: Owners;
}

export class SqliteMessages implements Messages {
  readonly #db: Database;
  readonly #group: GroupCommit;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #owners: Owners;
  readonly #journal: Journal | undefined;
  #looked = Number.NEGATIVE_INFINITY;

  constructor(db: Database, group: GroupCommit, { clock, ids, owners }: Surroundings, journal?: Journal) {
    this.#db = db;
    this.#group = group;
    this.#clock = clock;
    this.#ids = ids;
    this.#owners = owners;
    this.#journal = journal;
  }

  /** Adds a message inside a transaction. */
  enqueue(message: NewMessage): void {
    const { queue, id, order_key = null, priority = 0, available_at, attempts = 0, reason = null, body } = message;
    const first =
      order_key === null ? undefined : this.#db.get<{ id: string; earlier: number }>(FIRST, id, queue, order_key);
    const since = Math.max(available_at, this.#clock.now());
    const head = first?.earlier ? 0 : 1;
    const text = JSON.stringify(body ?? null);
    const added = this.#db.run(
      ...([INSERT, queue, id, order_key, priority, available_at, since, attempts, reason, head, text] as const),
    );
    if (added && first && head) this.#db.run(DEMOTE, queue, first.id);
  }

  /** Removes a claimed message inside a transaction. False when the claim was lost. */
  settle({ queue, id, claim }: Claimed): boolean {
    const gone = this.#db.get<{ order_key: string | null }>(SETTLE, queue, id, claim);
    if (gone && gone.order_key !== null) this.#db.run(PROMOTE, queue, gone.order_key);
    return gone !== undefined;
  }

  async claim(queue: string, { limit, lease_ms, due_by, firm = false }: ClaimOptions): Promise<Claimed[]> {
    // looking needs no lock, so that an idle queue costs other writers nothing
    const look = () => {
      const now = this.#clock.now();
      return this.#db.all<{ priority: number }>(PRIORITIES, queue, due_by ?? now, now);
    };
    let priorities = look();
    if (!priorities.length || performance.now() - this.#looked > LOOK_EVERY_MS) {
      if ((await this.free()).size) priorities = look();
    }
    if (!priorities.length) return [];
    const claimed = await this.#group.submit(() => {
      const claim = `${this.#owners.name}.${this.#ids.uuid()}`;
      const until = this.#clock.now() + lease_ms;
      return this.#candidates(queue, priorities, limit, due_by).map((id) =>
        toClaimed(this.#db.get<Row>(CLAIM, until, claim, queue, id)!),
      );
    }, firm);
    // what was committed a moment ago is seen before it is on the disk; nothing may follow from it until then
    if (!firm) await this.#journal?.settled();
    return claimed;
  }

  async release(message: Claimed, { available_at, reason }: { available_at: number; reason?: string }) {
    const { queue, id, claim } = message;
    const release = () => this.#db.run(RELEASE, available_at, reason ?? null, queue, id, claim) === 1;
    return this.#group.submit(release, false);
  }

  /** Frees what dead processes held. Gives the queues concerned. */
  async free(): Promise<Set<string>> {
    this.#looked = performance.now();
    const dead = this.#owners.dead();
    if (!dead.length) return new Set();
    const freed = await this.#group.submit(() => dead.flatMap((name) => this.freeOf(name)), false);
    for (const name of dead) this.#owners.forget(name);
    return new Set(freed);
  }

  /** Frees what is claimed under a name; gives the queue of each message. */
  freeOf(name: string): string[] {
    return this.#db.all<{ queue: string }>(FREE, name).map(({ queue }) => queue);
  }

  /** Costs microseconds and no page: SQLite compares a number in shared memory (https://sqlite.org/pragma.html#pragma_data_version). */
  others(): number {
    return this.#db.get<{ data_version: number }>('PRAGMA data_version')!.data_version;
  }

  async owner(): Promise<string> {
    return this.#owners.name;
  }

  async isGone(owner: string): Promise<boolean> {
    return this.#owners.isGone(owner);
  }

  async depth(queue: string): Promise<{ count: number; oldest_at?: number }> {
    const { count, oldest_at } = this.#db.get<{ count: number; oldest_at: number | null }>(DEPTH, queue)!;
    return { count, ...(oldest_at !== null && { oldest_at }) };
  }

  async peek(queue: string, limit: number, after = ''): Promise<Claimed[]> {
    return this.#db.all<Row>(PEEK, queue, after, limit).map(toClaimed);
  }

  /** Ids that may be claimed now, best first; of one priority after the other, so that those that wait longer aren't read. */
  #candidates(queue: string, priorities: readonly { priority: number }[], limit: number, due_by?: number): string[] {
    const now = this.#clock.now();
    const due = due_by ?? now;
    const found: string[] = [];
    for (const { priority } of priorities) {
      if (found.length >= limit) break;
      const rows = this.#db.all<{ id: string }>(CANDIDATES, queue, priority, due, now, limit - found.length);
      for (const { id } of rows) found.push(id);
    }
    return found;
  }
}
