/** Writes of one SQLite file, each inside a transaction of its caller, that say whether their condition held. */
import type { Clock } from '../../ports/clock.ts';
import type { Collection, Counter, Write } from '../../ports/store.ts';
import type { Versions } from '../record.ts';
import { indexValues } from '../sql.ts';
import type { Database } from './database.ts';
import { type Statements, statementsFor } from './statements.ts';

export const sqliteWriter = (db: Database, statements: Statements, clock: Clock, versions: Versions) => ({
  /** False when the write's condition does not hold. */
  write: (write: Write): boolean => {
    const { collection, id } = write;
    const sql = statementsFor(statements, collection);
    const now = clock.now();
    if (write.kind === 'delete') return db.run(sql.delete, id, write.version, now) === 1;
    if (write.kind === 'check') return db.get(sql.check, id, write.version, now) !== undefined;
    const rest = [
      collection.version,
      JSON.stringify(write.value),
      write.expires_at ?? null,
      ...indexValues(collection, write.value, id),
    ];
    if (write.kind === 'insert') return db.run(sql.insert, id, versions.next(), ...rest, now) === 1;
    const next = versions.next(write.version);
    return db.run(sql.update, next, ...rest, id, write.version, now) === 1;
  },

  increment: (collection: Collection<string, Counter>, id: string, by: number, expiresAt: number): number => {
    const sql = statementsFor(statements, collection);
    const now = clock.now();
    const value: Counter = { count: by };
    const row = [id, versions.next(), collection.version, JSON.stringify(value), expiresAt];
    const ended = Array<number>(sql.kept).fill(now);
    const values = indexValues(collection, value, id);
    return db.get<{ count: number }>(sql.increment, ...row, ...values, now, by, ...ended)!.count;
  },

  /** Removes expired records of a collection, a limited number; gives how many. */
  sweep: (collection: Collection): number => db.run(statementsFor(statements, collection).sweep, clock.now()),
});
