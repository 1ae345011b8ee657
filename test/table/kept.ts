/** What a SQLite store holds, to see that nothing has changed. */
import { DatabaseSync } from 'node:sqlite';

const COLUMNS = `SELECT tables.name, json_group_array(columns.name) FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
  WHERE tables.type = 'table' AND tables.name <> 'r_audit_heads' GROUP BY tables.name`;
/** Counters: a try that failed was a try. And who listens to broadcasts says so again and again. */
const PASSING: Record<string, string> = {
  data: `data GLOB '{"count":*}' AND instr(data, ',') = 0`,
  queue: `queue = 'perfect21.tails'`,
};

/** All that is kept but what passes, as SQL writes it: reading whole tables a thousand times is most of what its tests do. */
export const dump = (file: string): Record<string, string[]> => {
  const db = new DatabaseSync(file, { readOnly: true });
  const tuples = (sql: string): string[][] => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement.all() as unknown as string[][];
  };
  try {
    return Object.fromEntries(
      tuples(COLUMNS).map(([table, list]) => {
        const columns: string[] = JSON.parse(list!);
        // lines of the audit log are sealed meanwhile; that there is none more is what counts
        const told = table === 'r_audit_lines' ? ['id'] : columns;
        const kept = columns.flatMap((name) => (PASSING[name] ? `(${PASSING[name]}) IS NOT TRUE` : []));
        const row = told.map((name) => `'${name} ' || quote("${name}")`).join(` || ', ' || `);
        const rows = tuples(`SELECT ${row} FROM "${table}" WHERE ${['TRUE', ...kept].join(' AND ')} ORDER BY 1`);
        return [table!, rows.map(([text]) => text!)];
      }),
    );
  } finally {
    db.close();
  }
};
