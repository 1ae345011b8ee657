/**
 * The store: small and uniform, shaped by what DynamoDB, PostgreSQL and SQLite can all do.
 *
 * Promises, the same on every engine (test/contract/store.ts is run by each):
 * - ids and index values are compared byte for byte (case-sensitive);
 * - `transact` is all or nothing, durable when it resolves, and refuses with `WriteConflict` when a condition fails;
 * - a record past `expires_at` is invisible to every read and condition, whether or not it was removed yet;
 * - `get` reads what the last resolved `transact` wrote; `query` may lag behind by moments on DynamoDB;
 * - a cursor continues after the last record shown, whatever was inserted meanwhile, and can't be forged;
 * - an engine that is away makes calls fail with AppError `unavailable`, and the next call after its return works.
 */

/** One query path: equal `hash`, ordered by `sort` (strings compared by byte). A record may be left out by `undefined`. */
export interface Index<T> {
  hash: (value: T, id: string) => string | undefined;
  sort: (value: T, id: string) => string;
  /**
   * Into how many partitions DynamoDB spreads the records of one hash (each takes 1,000 writes a second), 1 when left out.
   * Reads ask all of them. Raise the schema's version with it.
   */
  shards?: number;
}

/** What a service keeps, declared in its records.ts. `migrate[i]` lifts a value from version i+1 to i+2. */
export interface Collection<N extends string = string, T = any> {
  readonly name: N;
  readonly version: number;
  readonly indexes: Readonly<Record<string, Index<T>>>;
  readonly migrate: readonly ((old: any) => any)[];
  /** Up to which version the code takes values as they are, though it does not write them yet: the release after will. */
  readonly accepts: number;
  /** Its records are counters, which `increment` alone writes. */
  readonly counts: boolean;
  /** The user whom a record is about, for the audit log; its field `user_id` when left out. */
  readonly subject?: (value: T, id: string) => string | undefined;
}

/** Declares a collection. @example export const users = collection<User>()('users', { indexes: {…} }) */
export const collection =
  <T>() =>
  <N extends string>(
    name: N,
    options: {
      indexes?: Record<string, Index<T>>;
      migrate?: readonly ((old: any) => any)[];
      accepts?: number;
      counts?: boolean;
      subject?: (value: T, id: string) => string | undefined;
    } = {},
  ): Collection<N, T> => ({
    name,
    version: (options.migrate?.length ?? 0) + 1,
    indexes: options.indexes ?? {},
    migrate: options.migrate ?? [],
    accepts: options.accepts ?? 0,
    counts: options.counts ?? false,
    ...(options.subject && { subject: options.subject }),
  });

/** A record as stored. `version` changes at every write and is never reused for the same id; times are unix ms. */
export interface Stored<T> {
  id: string;
  version: number;
  value: T;
  expires_at?: number;
}

export type Write<N extends string = string> =
  | { kind: 'insert'; collection: Collection<N>; id: string; value: any; expires_at?: number }
  | { kind: 'update'; collection: Collection<N>; id: string; version: number; value: any; expires_at?: number }
  | { kind: 'delete'; collection: Collection<N>; id: string; version: number }
  | { kind: 'check'; collection: Collection<N>; id: string; version: number };

/** Put if absent. */
export const insert = <N extends string, T>(
  collection: Collection<N, T>,
  id: string,
  value: T,
  options: { expires_at?: number } = {},
): Write<N> => ({ kind: 'insert', collection, id, value, ...options });

/** Put if the record still has the version that was read. Keeps the expiry unless told another, or `undefined` for none. */
export const update = <N extends string, T>(
  collection: Collection<N, T>,
  read: Stored<T>,
  value: T,
  options: { expires_at?: number } = {},
): Write<N> => ({
  kind: 'update',
  collection,
  id: read.id,
  version: read.version,
  value,
  expires_at: 'expires_at' in options ? options.expires_at : read.expires_at,
});

/** Delete if the record still has the version that was read. */
export const remove = <N extends string, T>(collection: Collection<N, T>, read: Stored<T>): Write<N> => ({
  kind: 'delete',
  collection,
  id: read.id,
  version: read.version,
});

/** Changes nothing, but fails the transaction unless the record still has the version that was read. */
export const check = <N extends string, T>(collection: Collection<N, T>, read: Stored<T>): Write<N> => ({
  kind: 'check',
  collection,
  id: read.id,
  version: read.version,
});

/** A condition did not hold; nothing was written. `at` is the position of the first write that failed. */
export class WriteConflict extends Error {
  readonly at: number;
  constructor(at: number) {
    super(`write ${at} met a record that is not as expected`);
    this.name = 'WriteConflict';
    this.at = at;
  }
}

export interface PageRequest {
  /** Records per page, 1 to 1000; 50 when left out. */
  limit?: number;
  cursor?: string;
  order?: 'asc' | 'desc';
  /** Only records whose sort value is at least this. */
  from?: string;
  /** Only records whose sort value begins so. Not together with `from`. */
  prefix?: string;
}

export interface Page<T> {
  items: Stored<T>[];
  next_cursor?: string;
}

/** What an operation may read. `R` names the collections it declared. */
export interface Reader<R extends string = string> {
  get<N extends R, T>(collection: Collection<N, T>, id: string): Promise<Stored<T> | undefined>;
  /** The records that exist, by id; up to 1000 ids, in any order. */
  getMany<N extends R, T>(collection: Collection<N, T>, ids: readonly string[]): Promise<Map<string, Stored<T>>>;
  query<N extends R, T>(
    collection: Collection<N, T>,
    index: string,
    hash: string,
    page?: PageRequest,
  ): Promise<Page<T>>;
  /** The cursor of a query as if this had been the last record shown; with the other order the way back begins there. */
  cursorAt<N extends R, T>(
    collection: Collection<N, T>,
    index: string,
    hash: string,
    shown: Pick<Stored<T>, 'id' | 'value'>,
    page?: Pick<PageRequest, 'order' | 'prefix'>,
  ): string;
}

/** A counter record's value. Written only by `increment`. */
export interface Counter {
  count: number;
}

/**
 * A message waiting in the store: an outbox row, or a delivery of the embedded bus.
 *
 * Messages of one `queue` with the same `order_key` are claimed one at a time in the order of their ids (UUIDv7).
 */
export interface NewMessage {
  queue: string;
  id: string;
  order_key?: string;
  /** 0 (default) to 9; higher first. */
  priority?: number;
  /** Not before this time, unix ms. */
  available_at: number;
  body: unknown;
  /** What has been tried before, for retries and for parked messages. */
  attempts?: number;
  reason?: string;
}

export interface Claimed extends Required<Pick<NewMessage, 'queue' | 'id' | 'priority' | 'available_at' | 'body'>> {
  order_key?: string;
  reason?: string;
  /** How often it was claimed, this time included. */
  attempts: number;
  /** Proof that this claim is the current one. */
  claim: string;
}

export interface Effects {
  /** Messages to add with the writes. An id that its queue holds already is left as it is. */
  enqueue?: readonly NewMessage[];
  /** Claimed messages to remove with the writes; fails with WriteConflict (`at` -1) if a claim was lost. */
  settle?: readonly Claimed[];
  /**
   * `deferred`: a power cut may take it back (a killed process never does), together with everything committed after it
   * and before the next commit that is not deferred. For what is repeated then, or does not matter.
   */
  durability?: 'deferred';
}

export interface ClaimOptions {
  limit: number;
  lease_ms: number;
  /** What is claimed survives a power cut, whichever process wrote it: for what leaves the store. */
  firm?: boolean;
  /** Unix ms: only what became available by then. */
  due_by?: number;
}

export interface Messages {
  /**
   * Takes up to `limit` available messages for `lease_ms`: highest priority, then oldest first. Two callers never get the
   * same one. With `due_by` (unix ms) only those that became available by then. What a process held that has died is
   * available again before its lease ends: at once on SQLite, after about a second on PostgreSQL, five on DynamoDB.
   */
  claim(queue: string, options: ClaimOptions): Promise<Claimed[]>;
  /** Gives a message back, to be claimed again from `available_at` on. False if the claim was lost. */
  release(message: Claimed, options: { available_at: number; reason?: string }): Promise<boolean>;
  /** How many messages wait in a queue (claimed ones included) and how old the oldest is, unix ms. */
  depth(queue: string): Promise<{ count: number; oldest_at?: number }>;
  /** Messages of a queue as they are, by id, which is oldest first, without claiming them; those behind the id `after`. */
  peek(queue: string, limit: number, after?: string): Promise<Claimed[]>;
  /**
   * A number that is another one when another process has committed anything since; for who looks often at queues that
   * others fill. Absent where looking costs no more.
   */
  others?(): number;
  /** A name for this process, for work whose end it may not live to note. */
  owner(): Promise<string>;
  /** True when the process of this name has ended, and nothing of it is under way. False, too, where nobody can say. */
  isGone(owner: string): Promise<boolean>;
}

/** An engine. Only runtimes and the kit see this; an operation sees `Reader` and a `transact` bound to what it declared. */
export interface Store extends Reader {
  /** Up to 100 writes, settled and enqueued messages together; a record may appear once. */
  transact(writes: readonly Write[], effects?: Effects): Promise<void>;
  /** Adds to a counter in one atomic step; starts it at `by` with this expiry when absent or expired. Returns the new count. */
  increment(
    collection: Collection<string, Counter>,
    id: string,
    options: { by?: number; expires_at: number },
  ): Promise<number>;
  messages: Messages;
  /** Calls back after each commit of this process that enqueued messages. Returns how to stop. */
  onCommit(listener: (queues: ReadonlySet<string>) => void): () => void;
  /** Resolves when the engine takes writes; throws AppError `unavailable` otherwise. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
