/** The tables and indexes that a schema needs, and what of them a database has. */
import type { Client } from 'pg';
import type { Collection } from '../../ports/store.ts';
import type { StoreSchema } from '../schema.ts';
import { expiryIndexOf, hashColumn, indexColumns, sortColumn, sqlIndexOf, tableOf } from '../sql.ts';
import { MESSAGE_INDEXES, MESSAGE_TABLE } from './messages-sql.ts';

export interface Table {
  name: string;
  create: string;
  /** Of index values, each `text COLLATE "C"`; those of a table that is there are added. */
  columns: readonly string[];
  /** By name, what follows `CREATE INDEX … ON`. */
  indexes: Readonly<Record<string, string>>;
  /** Whose records it holds. */
  collection?: Collection;
}

const ofCollection = (collection: Collection): Table => {
  const name = tableOf(collection);
  const columns = indexColumns(collection);
  const lists = Object.keys(collection.indexes).map((index) => {
    const [hash, sort] = [hashColumn(index), sortColumn(index)];
    return [sqlIndexOf(collection, index), `${name} (${hash}, ${sort}, id) WHERE ${hash} IS NOT NULL`];
  });
  return {
    name,
    collection,
    columns,
    create: `CREATE TABLE ${name} (id text COLLATE "C" PRIMARY KEY, version bigint NOT NULL, v int NOT NULL,
      data json NOT NULL, expires_at bigint${columns.map((column) => `, ${column} text COLLATE "C"`).join('')})`,
    indexes: {
      ...Object.fromEntries(lists),
      [expiryIndexOf(collection)]: `${name} (expires_at) WHERE expires_at IS NOT NULL`,
    },
  };
};

export const tablesOf = ({ collections }: StoreSchema): Table[] => [
  { name: 'messages', create: MESSAGE_TABLE, columns: [], indexes: MESSAGE_INDEXES },
  ...collections.map(ofCollection),
];

/** What a table has; `indexes` by name, false where one was left half made. The primary key's is not among them. */
export interface Found {
  columns: ReadonlySet<string>;
  indexes: ReadonlyMap<string, boolean>;
}

/** The tables that are there, by name. */
export const tablesIn = async (client: Client): Promise<Map<string, Found>> => {
  const { rows } = await client.query<{ name: string; columns: string[]; indexes: Record<string, boolean> }>(
    `SELECT c.relname AS name,
      (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns,
      (SELECT coalesce(json_object_agg(x.relname, i.indisvalid), '{}') FROM pg_index i
        JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND NOT i.indisprimary) AS indexes
      FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace`,
  );
  return new Map(
    rows.map(({ name, columns, indexes }) => [
      name,
      { columns: new Set(columns), indexes: new Map(Object.entries(indexes)) },
    ]),
  );
};
