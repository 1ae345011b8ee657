/** Writes the index values of every record anew, from its value as it is read today. */
import type { Client } from 'pg';
import type { Collection } from '../../ports/store.ts';
import { upcast } from '../record.ts';
import { indexColumns, indexValues, tableOf } from '../sql.ts';

const BATCH = 200;

type Seen = { id: string; version: string; v: number; data: unknown };

/**
 * A few records in a statement of their own, so that nobody waits for long. Those whose values are right already are not
 * touched; who writes one meanwhile goes first.
 *
 * @param attempt runs a piece of work again that the server undid
 */
export const reindex = async (
  client: Client,
  collection: Collection,
  attempt: (work: () => Promise<unknown>) => Promise<void>,
): Promise<void> => {
  const columns = indexColumns(collection);
  if (!columns.length) return;
  const table = tableOf(collection);
  const list = (of: (column: string) => string) => columns.map(of).join(', ');
  // rows are locked in one order, as by everybody
  const write = `WITH n AS MATERIALIZED (
      SELECT * FROM json_to_recordset($1) AS n(id text, version bigint, ${list((column) => `${column} text`)})
    ), held AS MATERIALIZED (
      SELECT r.id FROM ${table} r JOIN n ON r.id = n.id COLLATE "C" AND r.version = n.version
      WHERE (${list((column) => `r.${column}`)}) IS DISTINCT FROM (${list((column) => `n.${column} COLLATE "C"`)})
      ORDER BY r.id FOR UPDATE OF r
    ) UPDATE ${table} r SET ${list((column) => `${column} = n.${column}`)}
      FROM n JOIN held ON held.id = n.id COLLATE "C" WHERE r.id = held.id AND r.version = n.version`;
  for (let after: string | undefined = ''; after !== undefined; ) {
    const { rows }: { rows: Seen[] } = await client.query(
      `SELECT id, version::text AS version, v, data FROM ${table} WHERE id > $1 ORDER BY id LIMIT ${BATCH}`,
      [after],
    );
    const fresh = rows.map(({ id, version, v, data }) => {
      const values = indexValues(collection, upcast(collection, v, data), id);
      return { id, version, ...Object.fromEntries(columns.map((column, n) => [column, values[n]])) };
    });
    if (fresh.length) await attempt(() => client.query(write, [JSON.stringify(fresh)]));
    after = rows.at(-1)?.id;
  }
};
