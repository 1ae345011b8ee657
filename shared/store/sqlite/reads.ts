/** Reads of one SQLite file. */
import type { Clock } from '../../ports/clock.ts';
import type { Collection, Page, PageRequest, Stored } from '../../ports/store.ts';
import { type Cursors, cursorAt } from '../cursor.ts';
import { isKey, manyIds, pageOf } from '../limits.ts';
import { indexOf } from '../record.ts';
import { boundsOf, hashColumn, type Row, sortColumn, toStored } from '../sql.ts';
import type { Database } from './database.ts';
import { type Statements, statementsFor } from './statements.ts';

const stored = <T>(collection: Collection<string, T>, row: Row): Stored<T> =>
  toStored(collection, row, JSON.parse(row.data as string));

export const sqliteReader = (db: Database, statements: Statements, clock: Clock, cursors: Cursors) => ({
  get: <T>(collection: Collection<string, T>, id: string): Stored<T> | undefined => {
    const sql = statementsFor(statements, collection);
    const row = isKey(id) ? db.get<Row>(sql.get, id, clock.now()) : undefined;
    return row && stored(collection, row);
  },

  getMany: <T>(collection: Collection<string, T>, ids: readonly string[]): Map<string, Stored<T>> => {
    const { many } = statementsFor(statements, collection);
    type Columns = [id: string, version: number, v: number, data: string, expires_at: number | null];
    const found = new Map<string, Stored<T>>();
    const rows = db.tuples<Columns>(many, JSON.stringify(manyIds(ids)), clock.now());
    for (const [id, version, v, data, expires_at] of rows) {
      found.set(id, stored(collection, { id, version, v, data, expires_at }));
    }
    return found;
  },

  query: <T>(collection: Collection<string, T>, index: string, hash: string, request?: PageRequest): Page<T> => {
    indexOf(collection, index);
    const page = pageOf(request);
    const { limit, order, cursor, prefix } = page;
    const place = { collection: collection.name, index, hash, order, prefix };
    const after = cursor === undefined ? undefined : cursors.read(place, cursor);
    const { least, until } = boundsOf(page, after);
    const { table } = statementsFor(statements, collection);
    if (!isKey(hash)) return { items: [] };
    const sort = sortColumn(index);
    const rows = db.all<Row & { sort: string }>(
      `SELECT id, version, v, data, expires_at, ${sort} AS sort FROM ${table} WHERE ${hashColumn(index)} = ?
        AND (expires_at IS NULL OR expires_at > ?) ${least === undefined ? '' : `AND ${sort} >= ?`} ${until ? `AND ${sort} < ?` : ''}
        ${after ? `AND (${sort}, id) ${order === 'asc' ? '>' : '<'} (?, ?)` : ''}
        ORDER BY ${sort} ${order}, id ${order} LIMIT ?`,
      ...[
        hash,
        clock.now(),
        ...(least === undefined ? [] : [least]),
        ...(until ? [until] : []),
        ...(after ? [after.sort, after.id] : []),
      ],
      limit + 1,
    );
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return {
      items: shown.map((row) => stored(collection, row)),
      ...(last && { next_cursor: cursors.write(place, last) }),
    };
  },

  cursorAt: cursorAt(cursors),
});
