/** The store in PostgreSQL: containers of any number on one database. */

import { StartError } from '../../config/start-error.ts';
import { adapter } from '../../kit/adapter.ts';
import type { Store } from '../../ports/store.ts';
import { commits } from '../commits.ts';
import { cursors } from '../cursor.ts';
import { startFreeing } from '../freeing.ts';
import { checkId, checkTransact } from '../limits.ts';
import { Versions } from '../record.ts';
import type { StoreSchema } from '../schema.ts';
import { startSweeper } from '../sweeper.ts';
import { postgresMessages } from './messages.ts';
import { migrate } from './migrate.ts';
import { Owners } from './owners.ts';
import { Connections } from './pool.ts';
import { written } from './proof.ts';
import { postgresReader } from './reads.ts';
import { sweeping } from './sweep.ts';
import { transactor } from './transact.ts';
import { incrementSql, incrementValues } from './writes.ts';

type Count = { count: number };
const COUNT = `(data ->> 'count')::bigint AS count`;
const PING = `UPDATE meta SET value = value WHERE key = 'version'`;

const startError = (error: unknown, where: string): unknown => {
  if (error instanceof StartError) return error;
  const { code, message } = error as { code?: string; message: string };
  return new StartError(
    `PostgreSQL at ${where} can't be used (${message.split('\n', 1)[0] || code}): start it, or correct STORE_URL`,
  );
};

/**
 * The adapter. `STORE_URL=postgres://user:password@host:port/database`, or `…@/database?host=/folder` for a socket,
 * with settings as `?max=20&statement_timeout=5000` (docs/deployment.md).
 *
 * A resolved `transact` is as durable as the server's `synchronous_commit`.
 */
export const postgresStore = (schema: StoreSchema) =>
  adapter({
    port: 'store',
    needs: ['clock', 'ids', 'log', 'metrics', 'secrets'],
    env: ['STORE_URL'],
    open: async ({ clock, ids, log, metrics, secrets }, { store: config }) => {
      if (config.engine !== 'postgres') throw new StartError('STORE_URL names no PostgreSQL: use postgres://…');
      const connections = await Connections.to(config, log);
      try {
        await migrate(connections, schema, log);
      } catch (error) {
        await connections.close();
        throw startError(error, config.where);
      }
      const versions = new Versions(clock);
      const transact = transactor(connections, clock, versions);
      const { onCommit, announce, tell } = commits(log, clock);
      const owners = new Owners(connections, ids, log);
      const stopFreeing = startFreeing(() => owners.free(), tell, log);
      let looking: Promise<unknown> | undefined;
      // a server that takes reads only answers them well; those who ask together share one write
      const ping = async () => {
        looking ??= connections.query(PING, []).finally(() => {
          looking = undefined;
        });
        await looking;
      };
      const stopSweeper = startSweeper(schema.collections, sweeping(connections, clock), { log, metrics });
      const close = async () => {
        stopSweeper();
        stopFreeing();
        await owners.close();
        await connections.close();
      };
      const port: Store = {
        ...postgresReader(connections, clock, cursors(secrets)),
        transact: async (writes, effects = {}) => {
          checkTransact(writes, effects);
          if (!writes.length && !effects.settle?.length && !effects.enqueue?.length) return;
          await transact(writes, effects);
          announce(effects.enqueue);
        },
        increment: async (collection, id, { by = 1, expires_at }) => {
          checkId(id);
          const version = versions.next();
          const values = incrementValues(collection, id, version, clock.now(), by, expires_at);
          const committed = async () => {
            const rows = await written<Count>(connections, { collection, id, version }, COUNT);
            return rows.length ? rows : undefined;
          };
          const [row] = await connections.query<Count>(incrementSql(collection), values, { committed });
          return row!.count;
        },
        messages: postgresMessages(connections, owners, clock, ids),
        onCommit,
        ping,
        close,
      };
      return { port, close };
    },
  });
