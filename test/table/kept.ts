/** What a SQLite store holds, to see that nothing has changed. */
import { DatabaseSync } from 'node:sqlite';

const COLUMNS = `SELECT tables.name, json_group_array(columns.name) FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
  WHERE tables.type = 'table' AND tables.name <> 'r_audit_heads' GROUP BY tables.name`;
/** Counters: a try that failed was a try. And who listens to broadcasts says so again and again. */
const PASSING: Record<string, string> = {
  data: `data GLOB '{"count":*}' AND instr(data, ',') = 0`,
  queue: `queue = 'perfect21.tails'`,
};

type Tables = Record<string, readonly string[]>;

/** All that is kept but what passes, as SQL writes it. */
const dump = (db: DatabaseSync): Tables => {
  const tuples = (sql: string): string[][] => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement.all() as unknown as string[][];
  };
  return Object.fromEntries(
    tuples(COLUMNS).map(([table, list]) => {
      const columns: string[] = JSON.parse(list!);
      // lines of the audit log are sealed meanwhile; that there is none more is what counts
      const told = table === 'r_audit_lines' ? ['id'] : columns;
      const kept = columns.flatMap((name) => (PASSING[name] ? `(${PASSING[name]}) IS NOT TRUE` : []));
      const row = told.map((name) => `'${name} ' || quote("${name}")`).join(` || ', ' || `);
      const rows = tuples(`SELECT ${row} FROM "${table}" WHERE ${['TRUE', ...kept].join(' AND ')}`);
      return [table!, rows.map(([text]) => text!)];
    }),
  );
};

/** The rows of one that are not in the other, as often as they stand there. */
const missing = (from: Tables, to: Tables, sign: string): string[] =>
  Object.entries(from).flatMap(([table, rows]) => {
    const left = new Map<string, number>();
    for (const row of to[table] ?? []) left.set(row, (left.get(row) ?? 0) + 1);
    return rows.flatMap((row) => {
      const others = left.get(row) ?? 0;
      left.set(row, others - 1);
      return others > 0 ? [] : [`${sign} ${table}: ${row}`];
    });
  });

/**
 * Holds a store as it is now. Reading all of it a thousand times would be most of what its tests do, so it is read when somebody
 *wrote since, and what it was then comes from the snapshot that SQLite keeps for who reads.
 *
 * @returns `changes` gives the rows that went (-) and came (+) since
 * @example using before = held(file); …; expect(before.changes()).toEqual([]);
 */
export const held = (file: string): { changes(): string[]; [Symbol.dispose](): void } => {
  const [then, now] = [new DatabaseSync(file, { readOnly: true }), new DatabaseSync(file, { readOnly: true })];
  const written = (): unknown => now.prepare('PRAGMA data_version').get()!.data_version;
  then.exec('BEGIN');
  then.prepare('SELECT count(*) FROM sqlite_master').get();
  const before = written();
  return {
    changes: () => {
      if (written() === before) return [];
      const [old, fresh] = [dump(then), dump(now)];
      return [...missing(old, fresh, '-'), ...missing(fresh, old, '+')];
    },
    [Symbol.dispose]: () => {
      then.close();
      now.close();
    },
  };
};
