/** A PostgreSQL database as one file: its tables, indexes, functions and rows, as the release before made them. */
import pg from 'pg';

interface Snapshot {
  /** What makes it, in order. */
  statements: string[];
  /** By table, the rows as JSON; text, for numbers in it may be larger than JavaScript's. */
  rows: Record<string, string>;
}

const TABLES = `SELECT c.relname AS name,
  'CREATE TABLE ' || c.relname || ' (' || (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || CASE WHEN a.attcollation <> 0 AND a.attcollation <> 100 THEN ' COLLATE "' || l.collname || '"' ELSE '' END
    || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), ''), ', '
    ORDER BY a.attnum) FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
  || coalesce(', ' || (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p'), '')
  || ')' || coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS statement
  FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY c.relname`;
const INDEXES = `SELECT pg_get_indexdef(i.indexrelid) AS statement FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
  WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisprimary ORDER BY 1`;
const FUNCTIONS = `SELECT pg_get_functiondef(oid) AS statement FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1`;

const connected = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

export const takePostgres = (url: string): Promise<string> =>
  connected(url, async (client) => {
    const tables = (await client.query<{ name: string; statement: string }>(TABLES)).rows;
    const more = [...(await client.query(INDEXES)).rows, ...(await client.query(FUNCTIONS)).rows];
    const snapshot: Snapshot = { statements: [...tables, ...more].map(({ statement }) => statement), rows: {} };
    for (const { name } of tables) {
      const { rows } = await client.query(`SELECT json_agg(t)::text AS rows FROM ${name} t`);
      if (rows[0].rows) snapshot.rows[name] = rows[0].rows;
    }
    return JSON.stringify(snapshot);
  });

/** Into an empty database. */
export const putPostgres = (url: string, text: string): Promise<void> =>
  connected(url, async (client) => {
    const { statements, rows }: Snapshot = JSON.parse(text);
    for (const statement of statements) await client.query(statement);
    for (const [name, all] of Object.entries(rows))
      await client.query(`INSERT INTO ${name} SELECT * FROM json_populate_recordset(NULL::${name}, $1)`, [all]);
  });
