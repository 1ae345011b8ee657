/** The store in one SQLite file: nothing to install, several processes on one machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { StartError } from '../../config/start-error.ts';
import { adapter } from '../../kit/adapter.ts';
import { AppError } from '../../kit/errors.ts';
import { type Store, WriteConflict } from '../../ports/store.ts';
import { commits } from '../commits.ts';
import { cursors } from '../cursor.ts';
import { startFreeing } from '../freeing.ts';
import { checkId, checkTransact } from '../limits.ts';
import { Versions } from '../record.ts';
import type { StoreSchema } from '../schema.ts';
import { startSweeper } from '../sweeper.ts';
import { Database, resultCode } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import { Journal } from './journal.ts';
import { SqliteMessages } from './messages.ts';
import { migrate } from './migrate.ts';
import { Owners } from './owners.ts';
import { type Place, placeOf, prepare } from './place.ts';
import { sqliteReader } from './reads.ts';
import { statementsOf } from './statements.ts';
import { sqliteWriter } from './writes.ts';

const BUSY = 5;
const TRIES = 50;

const startError = (error: unknown, file: string): unknown => {
  if (error instanceof StartError) return error;
  const cause = error instanceof AppError ? (error.cause as Error) : (error as Error);
  return new StartError(`The store's file ${file} can't be opened (${cause.message}): correct STORE_URL, or free it`);
};

/** Opens and shapes the file. Turning WAL on does not wait for others as other locks do, so it is tried again. */
const openShaped = async (place: Place, schema: StoreSchema): Promise<Database> => {
  for (let tried = 1; ; tried += 1) {
    let db: Database | undefined;
    try {
      db = new Database(place);
      migrate(db, schema);
      return db;
    } catch (error) {
      db?.close();
      if (tried === TRIES || resultCode(error) !== BUSY) throw startError(error, place.file);
      await sleep(20);
    }
  }
};

const PING = `UPDATE meta SET value = value WHERE key = 'version'`;

/**
 * The adapter. `STORE_URL=sqlite:<file>`, `sqlite::memory:`, or with options `sqlite:<file>?synchronous=normal`.
 *
 * A resolved `transact` survives `kill -9` always, and a power cut unless `synchronous=normal`. Counters, claims, settled
 * messages and what is `deferred` may be taken back by a power cut: then a message comes again, as it may anyway.
 */
export const sqliteStore = (schema: StoreSchema) =>
  adapter({
    port: 'store',
    needs: ['clock', 'ids', 'log', 'secrets'],
    env: ['STORE_URL', 'PERFECT21_DATA_DIR'],
    open: async ({ clock, ids, log, secrets }, { store: config }) => {
      if (config.engine !== 'sqlite') throw new StartError('STORE_URL names no SQLite file: use sqlite:<file>');
      const place = placeOf(config.file);
      prepare(place);
      const db = await openShaped(place, schema);
      const statements = statementsOf(schema.collections);
      const reads = sqliteReader(db, statements, clock, cursors(secrets));
      const writer = sqliteWriter(db, statements, clock, new Versions(clock));
      const powerSafe = place.synchronous === 'full' && place.file !== ':memory:';
      const journal = powerSafe ? new Journal(place.file) : undefined;
      const group = new GroupCommit(db, journal);
      const owners = new Owners(ids, place.file === ':memory:' ? undefined : place.file);
      const messages = new SqliteMessages(db, group, { clock, ids, owners }, journal);
      const { onCommit, announce, tell } = commits(log, clock);
      const stopFreeing = startFreeing(() => messages.free(), tell, log);
      const stopSweeper = startSweeper(schema.collections, writer.sweep, { log });
      const close = async () => {
        stopSweeper();
        stopFreeing();
        group.flush();
        owners.close((name) => messages.freeOf(name));
        await journal?.close();
        db.close();
      };
      const port: Store = {
        get: async (collection, id) => reads.get(collection, id),
        getMany: async (collection, wanted) => reads.getMany(collection, wanted),
        query: async (collection, index, hash, page) => reads.query(collection, index, hash, page),
        cursorAt: reads.cursorAt,
        transact: async (writes, effects = {}) => {
          checkTransact(writes, effects);
          if (!writes.length && !effects.settle?.length && !effects.enqueue?.length) return;
          const news = writes.length > 0 || (!effects.settle?.length && !!effects.enqueue?.length);
          const durable = news && effects.durability !== 'deferred';
          await group.submit(() => {
            for (const message of effects.settle ?? []) if (!messages.settle(message)) throw new WriteConflict(-1);
            for (const [at, write] of writes.entries()) if (!writer.write(write)) throw new WriteConflict(at);
            for (const message of effects.enqueue ?? []) messages.enqueue(message);
          }, durable);
          announce(effects.enqueue);
        },
        increment: async (collection, id, { by = 1, expires_at }) => {
          checkId(id);
          return group.submit(() => writer.increment(collection, id, by, expires_at), false);
        },
        messages,
        onCommit,
        ping: () => group.submit(() => void db.run(PING), false),
        close,
      };
      return { port, close };
    },
  });
