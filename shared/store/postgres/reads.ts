/** Reads of records in PostgreSQL. */
import type { Clock } from '../../ports/clock.ts';
import type { Collection, Page, PageRequest, Reader, Stored } from '../../ports/store.ts';
import { type Cursors, cursorAt } from '../cursor.ts';
import { isKey, manyIds, pageOf } from '../limits.ts';
import { indexOf } from '../record.ts';
import { boundsOf, hashColumn, type Row, sortColumn, tableOf, toStored } from '../sql.ts';
import type { Connections } from './pool.ts';

const COLUMNS = 'id, version, v, data, expires_at';
const READS = { reads: true };

export const postgresReader = (connections: Connections, clock: Clock, cursors: Cursors): Reader => ({
  get: async <T>(collection: Collection<string, T>, id: string): Promise<Stored<T> | undefined> => {
    if (!isKey(id)) return undefined;
    const [row] = await connections.query<Row>(
      `SELECT ${COLUMNS} FROM ${tableOf(collection)} WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)`,
      [id, clock.now()],
      READS,
    );
    return row && toStored(collection, row);
  },

  getMany: async <T>(collection: Collection<string, T>, wanted: readonly string[]): Promise<Map<string, Stored<T>>> => {
    const ids = manyIds(wanted);
    if (!ids.length) return new Map();
    const rows = await connections.query<Row>(
      `SELECT ${COLUMNS} FROM ${tableOf(collection)} WHERE id = ANY ($1::text[]) AND (expires_at IS NULL OR expires_at > $2)`,
      [ids, clock.now()],
      READS,
    );
    return new Map(rows.map((row) => [row.id, toStored(collection, row)]));
  },

  query: async <T>(
    collection: Collection<string, T>,
    index: string,
    hash: string,
    request?: PageRequest,
  ): Promise<Page<T>> => {
    indexOf(collection, index);
    const page = pageOf(request);
    const { limit, order, cursor, prefix } = page;
    const place = { collection: collection.name, index, hash, order, prefix };
    const after = cursor === undefined ? undefined : cursors.read(place, cursor);
    const { least, until } = boundsOf(page, after);
    if (!isKey(hash)) return { items: [] };
    const sort = sortColumn(index);
    const values: unknown[] = [hash, clock.now(), limit + 1];
    const parameter = (value: unknown) => `$${values.push(value)}`;
    const rows = await connections.query<Row & { sort: string }>(
      `SELECT ${COLUMNS}, ${sort} AS sort FROM ${tableOf(collection)} WHERE ${hashColumn(index)} = $1
        AND (expires_at IS NULL OR expires_at > $2) ${least === undefined ? '' : `AND ${sort} >= ${parameter(least)}`}
        ${until ? `AND ${sort} < ${parameter(until)}` : ''}
        ${after ? `AND (${sort}, id) ${order === 'asc' ? '>' : '<'} (${parameter(after.sort)}, ${parameter(after.id)})` : ''}
        ORDER BY ${sort} ${order}, id ${order} LIMIT $3`,
      values,
      READS,
    );
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return {
      items: shown.map((row) => toStored(collection, row)),
      ...(last && { next_cursor: cursors.write(place, last) }),
    };
  },

  cursorAt: cursorAt(cursors),
});
