/** A store with a million accounts, written past the port: an import of so many takes minutes. Rows and indexes are those of the port. */
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { v7 } from 'uuid';
import { type UserRecord, users, userTerms } from '../../../functions/users/records.ts';
import { newTerms } from '../../../functions/users/terms.ts';
import { type Collection, insert, type Write } from '../../../shared/ports/store.ts';
import { hashColumn, indexColumns, indexValues, sortColumn, sqlIndexOf, tableOf } from '../../../shared/store/sql.ts';
import { personOf } from './rows.ts';

export const MILLION = 1_000_000;
const BATCH = 5_000;
const TABLES = [users, userTerms] as const;

/** The writes of account `n`, as an import makes them, without what makes its names unique. */
const accountOf = (n: number): Write[] => {
  const { email, first_name, last_name } = personOf(n);
  const user_id = v7({ msecs: 1_700_000_000_000 + n * 10 });
  const state = { status: 'active' as const, verified: true, mfa_enabled: false, profile: {}, generation: 0 };
  const user: UserRecord = { email, first_name, last_name, ...state, created_at: 1_700_000_000 };
  return [insert(users, user_id, user), ...newTerms(user_id, user, undefined)];
};

type Row = (string | number | null)[];
const columnsOf = (collection: Collection) => ['id', 'version', 'v', 'data', 'expires_at', ...indexColumns(collection)];
const rowOf = (write: Write): Row => {
  if (write.kind !== 'insert') throw new Error('accounts are inserted');
  const { collection, id, value } = write;
  return [id, 1, collection.version, JSON.stringify(value), null, ...indexValues(collection, value, id)];
};

/** The rows of some accounts, by table. */
const rowsOf = (from: number, count: number): Map<Collection, Row[]> => {
  const rows = new Map<Collection, Row[]>(TABLES.map((each) => [each, []]));
  for (let n = from; n < from + count; n++) {
    for (const write of accountOf(n)) rows.get(write.collection)!.push(rowOf(write));
  }
  return rows;
};

const indexesOf = (collection: Collection) =>
  Object.keys(collection.indexes).map((index) => ({
    drop: `DROP INDEX ${sqlIndexOf(collection, index)}`,
    make: `CREATE INDEX ${sqlIndexOf(collection, index)} ON ${tableOf(collection)}
      (${hashColumn(index)}, ${sortColumn(index)}, id) WHERE ${hashColumn(index)} IS NOT NULL`,
  }));
const INDEXES = TABLES.flatMap(indexesOf);

/** @param file of a store that a platform has shaped, and that nobody has open */
export const fillSqlite = (file: string): void => {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -200000');
  for (const { drop } of INDEXES) db.exec(drop);
  const statements = new Map(
    TABLES.map((each) => {
      const columns = columnsOf(each);
      const places = columns.map(() => '?').join(', ');
      return [each, db.prepare(`INSERT INTO ${tableOf(each)} (${columns.join(', ')}) VALUES (${places})`)];
    }),
  );
  for (let from = 0; from < MILLION; from += BATCH) {
    db.exec('BEGIN');
    for (const [collection, rows] of rowsOf(from, BATCH)) {
      for (const row of rows) statements.get(collection as never)!.run(...row);
    }
    db.exec('COMMIT');
  }
  for (const { make } of INDEXES) db.exec(make);
  db.exec('ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
};

export const fillPostgres = async (url: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const { drop } of INDEXES) await client.query(drop);
    for (let from = 0; from < MILLION; from += BATCH) {
      for (const [collection, rows] of rowsOf(from, BATCH)) {
        const columns = columnsOf(collection);
        const types = columns.map((column) =>
          column === 'data' ? 'json' : /^(version|v|expires_at)$/.test(column) ? 'bigint' : 'text',
        );
        const values = columns.map((_, at) => rows.map((row) => row[at]));
        await client.query({
          name: `fill ${collection.name}`,
          text: `INSERT INTO ${tableOf(collection)} (${columns.join(', ')})
            SELECT * FROM unnest(${types.map((type, at) => `$${at + 1}::${type}[]`).join(', ')})`,
          values,
        });
      }
    }
    for (const { make } of INDEXES) await client.query(make);
    for (const each of [...TABLES]) await client.query(`VACUUM ANALYZE ${tableOf(each)}`);
  } finally {
    await client.end();
  }
};
