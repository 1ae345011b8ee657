import { afterAll } from 'vitest';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { runMatrix } from './matrix.ts';

let postgres: Postgres | undefined;
afterAll(() => postgres?.close());

runMatrix('PostgreSQL', async () => {
  postgres = await startPostgres();
  return { STORE_URL: await postgres.createDatabase() };
});
