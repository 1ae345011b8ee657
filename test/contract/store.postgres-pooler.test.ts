/** What of the contract hangs on connections, through PgBouncer, which gives each transaction another connection. */
import { afterAll, beforeAll } from 'vitest';
import { postgresStore } from '../../shared/store/postgres/adapter.ts';
import { startPgBouncer } from '../engines/pgbouncer.ts';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { configFor, type Harness } from './store-harness.ts';
import { storeContract } from './store-suite.ts';

let postgres: Postgres;
let pooler: Awaited<ReturnType<typeof startPgBouncer>>;
beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPgBouncer(postgres.url);
});
afterAll(async () => {
  await pooler?.close();
  await postgres?.close();
});

const database = async (): Promise<Harness> => ({
  adapter: postgresStore,
  config: configFor(`${pooler.through(await postgres.createDatabase())}?pooler=transaction`),
  close: async () => undefined,
});

// claims, who holds them, and races: the rest is the same statement by statement
const PARTS = ['races', 'owners'] as const;
const ABILITIES = { reopens: true, freesClaims: 4_000, goesAway: false } as const;
storeContract('PostgreSQL behind PgBouncer', database, ABILITIES, [...PARTS]);
