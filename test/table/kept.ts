/** What a SQLite store holds, to see that nothing has changed. */
import { DatabaseSync } from 'node:sqlite';

/** All that is kept, but for counters: a try that failed was a try. */
export const dump = (file: string): Record<string, string[]> => {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    const rows = (name: string) => db.prepare(`SELECT * FROM "${name}"`).all() as Record<string, unknown>[];
    // who listens to broadcasts says so again and again
    const kept = ({ data, queue }: Record<string, unknown>) =>
      !/^\{"count":-?\d+(?:\.0)?\}$/.test(String(data)) && queue !== 'perfect21.tails';
    // lines of the audit log are sealed meanwhile; that there is none more is what counts
    const told = (name: string, row: Record<string, unknown>) =>
      JSON.stringify(name === 'r_audit_lines' ? row.id : row);
    return Object.fromEntries(
      tables
        .filter(({ name }) => name !== 'r_audit_heads')
        .map(({ name }) => [
          name,
          rows(name)
            .filter(kept)
            .map((row) => told(name, row))
            .sort(),
        ]),
    );
  } finally {
    db.close();
  }
};
