/** Records of one SQLite file: reads, and writes that say whether their condition held. */
import type { Clock } from '../../ports/clock.ts';
import type { Collection, Counter, Page, PageRequest, Stored, Write } from '../../ports/store.ts';
import type { Cursors } from '../cursor.ts';
import { isKey, manyIds, pageOf } from '../limits.ts';
import { indexOf, type Versions } from '../record.ts';
import { hashColumn, indexColumns, indexValues, type Row, sortColumn, tableOf, toStored } from '../sql.ts';
import { SWEEP_LIMIT } from '../sweeper.ts';
import type { Database } from './database.ts';

/** The statements of a collection, written once. */
const sqlOf = (collection: Collection) => {
  const table = tableOf(collection);
  const columns = ['version', 'v', 'data', 'expires_at', ...indexColumns(collection)];
  const alive = '(expires_at IS NULL OR expires_at > ?)';
  const overwrite = columns.slice(1).map((column) => `${column} = excluded.${column}`);
  const put = `INSERT INTO ${table} (id, ${columns.join(', ')}) VALUES (?${', ?'.repeat(columns.length)})
    ON CONFLICT (id) DO UPDATE SET version = max(version + 1, excluded.version)`;
  const ended = `${table}.expires_at <= ?`;
  const kept = ['v', 'expires_at', ...indexColumns(collection)];
  return {
    table,
    get: `SELECT id, version, v, data, expires_at FROM ${table} WHERE id = ? AND ${alive}`,
    many: `SELECT id, version, v, data, expires_at FROM ${table}
      WHERE id IN (SELECT value FROM json_each(?)) AND ${alive}`,
    insert: `${put}, ${overwrite.join(', ')} WHERE ${ended}`,
    update: `UPDATE ${table} SET ${columns.map((column) => `${column} = ?`).join(', ')}
      WHERE id = ? AND version = ? AND ${alive}`,
    delete: `DELETE FROM ${table} WHERE id = ? AND version = ? AND ${alive}`,
    check: `SELECT 1 FROM ${table} WHERE id = ? AND version = ? AND ${alive}`,
    increment: `${put}, data = CASE WHEN ${ended} THEN excluded.data
        ELSE json_object('count', json_extract(${table}.data, '$.count') + ?) END,
      ${kept.map((column) => `${column} = CASE WHEN ${ended} THEN excluded.${column} ELSE ${table}.${column} END`).join(', ')}
      RETURNING json_extract(data, '$.count') AS count`,
    kept: kept.length,
    sweep: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE expires_at <= ? LIMIT ${SWEEP_LIMIT})`,
  };
};

export class Records {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #versions: Versions;
  readonly #cursors: Cursors;
  readonly #sql: ReadonlyMap<string, ReturnType<typeof sqlOf>>;

  constructor(db: Database, collections: readonly Collection[], clock: Clock, versions: Versions, cursors: Cursors) {
    this.#db = db;
    this.#clock = clock;
    this.#versions = versions;
    this.#cursors = cursors;
    this.#sql = new Map(collections.map((collection) => [collection.name, sqlOf(collection)]));
  }

  get<T>(collection: Collection<string, T>, id: string): Stored<T> | undefined {
    const sql = this.#of(collection);
    const row = isKey(id) ? this.#db.get<Row>(sql.get, id, this.#clock.now()) : undefined;
    return row && this.#stored(collection, row);
  }

  getMany<T>(collection: Collection<string, T>, ids: readonly string[]): Map<string, Stored<T>> {
    const rows = this.#db.all<Row>(this.#of(collection).many, JSON.stringify(manyIds(ids)), this.#clock.now());
    return new Map(rows.map((row) => [row.id, this.#stored(collection, row)]));
  }

  query<T>(collection: Collection<string, T>, index: string, hash: string, request?: PageRequest): Page<T> {
    indexOf(collection, index);
    const { limit, order, from, cursor } = pageOf(request);
    const place = { collection: collection.name, index, hash, order };
    const after = cursor === undefined ? undefined : this.#cursors.read(place, cursor);
    const { table } = this.#of(collection);
    if (!isKey(hash)) return { items: [] };
    const sort = sortColumn(index);
    const rows = this.#db.all<Row & { sort: string }>(
      `SELECT id, version, v, data, expires_at, ${sort} AS sort FROM ${table} WHERE ${hashColumn(index)} = ?
        AND (expires_at IS NULL OR expires_at > ?) ${from === undefined ? '' : `AND ${sort} >= ?`}
        ${after ? `AND (${sort}, id) ${order === 'asc' ? '>' : '<'} (?, ?)` : ''}
        ORDER BY ${sort} ${order}, id ${order} LIMIT ?`,
      ...[hash, this.#clock.now(), ...(from === undefined ? [] : [from]), ...(after ? [after.sort, after.id] : [])],
      limit + 1,
    );
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return {
      items: shown.map((row) => this.#stored(collection, row)),
      ...(last && { next_cursor: this.#cursors.write(place, last) }),
    };
  }

  /** Does a write inside a transaction. False when its condition does not hold. */
  write(write: Write): boolean {
    const { collection, id } = write;
    const sql = this.#of(collection);
    const now = this.#clock.now();
    if (write.kind === 'delete') return this.#db.run(sql.delete, id, write.version, now) === 1;
    if (write.kind === 'check') return this.#db.get(sql.check, id, write.version, now) !== undefined;
    const rest = [
      collection.version,
      JSON.stringify(write.value),
      write.expires_at ?? null,
      ...indexValues(collection, write.value, id),
    ];
    if (write.kind === 'insert') return this.#db.run(sql.insert, id, this.#versions.next(), ...rest, now) === 1;
    const next = this.#versions.next(write.version);
    return this.#db.run(sql.update, next, ...rest, id, write.version, now) === 1;
  }

  increment(collection: Collection<string, Counter>, id: string, by: number, expiresAt: number): number {
    const sql = this.#of(collection);
    const now = this.#clock.now();
    const value: Counter = { count: by };
    const row = [id, this.#versions.next(), collection.version, JSON.stringify(value), expiresAt];
    const ended = Array<number>(sql.kept).fill(now);
    return this.#db.get<{ count: number }>(
      sql.increment,
      ...row,
      ...indexValues(collection, value, id),
      now,
      by,
      ...ended,
    )!.count;
  }

  /** Removes expired records, a limited number of each collection. */
  sweep(): void {
    for (const { sweep } of this.#sql.values()) this.#db.run(sweep, this.#clock.now());
  }

  #of(collection: Collection) {
    const sql = this.#sql.get(collection.name);
    if (!sql) throw new Error(`the store does not keep ${collection.name}`);
    return sql;
  }

  #stored<T>(collection: Collection<string, T>, row: Row): Stored<T> {
    return toStored(collection, { ...row, data: JSON.parse(row.data as string) });
  }
}
