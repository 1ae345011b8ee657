import { afterAll, vi } from 'vitest';
import { type Postgres, startPostgres } from '../engines/postgres.ts';
import { runMatrix } from './matrix.ts';

let postgres: Postgres | undefined;
afterAll(() => postgres?.close());

vi.mock('../../shared/passwords/parameters.ts', async (original) =>
  (await import('./quick-hashes.ts')).quick(original),
);

runMatrix('PostgreSQL', async () => {
  postgres = await startPostgres();
  return { STORE_URL: await postgres.createDatabase() };
});
