import { afterAll, beforeAll } from 'vitest';
import { postgresStore } from '../../shared/store/postgres/adapter.ts';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { configFor, type Harness } from './store-harness.ts';
import { storeContract } from './store-suite.ts';

// a server of this file's own, for it is stopped
let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.close());

const database = async (): Promise<Harness> => ({
  adapter: postgresStore,
  config: configFor(await postgres.createDatabase()),
  away: () => postgres.stop(),
  back: () => postgres.start(),
  close: async () => undefined,
});

storeContract('PostgreSQL', database, { reopens: true, freesClaims: 4_000, goesAway: 'wholly' });
