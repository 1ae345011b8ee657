/** A session with its outbox row, committed: through the port, beside the same SQL by hand on the same engine. */
import { join } from 'node:path';
import { startPostgres } from '../engines/postgres.ts';
import { testEnvironment } from '../support/platform.ts';
import { alternate, type Bench, type Row, ratioRow } from './bench.ts';
import { withFolder } from './platform.ts';
import { start } from './processes.ts';
import type { StoreOrder } from './programs/store.ts';

const ROUNDS = 3;
const SECONDS = 2;
const WARM_UP = 0.5;
const LEAST = 0.7;

const measure = async (what: string, url: string, folder: string, inFlight: readonly number[]): Promise<Row[]> => {
  const program = start('test/bench/programs/store.ts', { env: testEnvironment(folder, { STORE_URL: url }) });
  const rows: Row[] = [];
  for (const in_flight of inFlight) {
    const rate = (way: StoreOrder['way'], seconds = SECONDS): Promise<number> =>
      program.ask<number>({ way, in_flight, seconds } satisfies StoreOrder);
    await rate('port', WARM_UP);
    await rate('bare', WARM_UP);
    const found = await alternate(
      ROUNDS,
      () => rate('port'),
      () => rate('bare'),
    );
    rows.push(ratioRow(`${what}, ${in_flight} at a time`, found, LEAST));
  }
  await program.stop();
  return rows;
};

const onPostgres = async (folder: string): Promise<Row[]> => {
  const postgres = await startPostgres({ durable: true });
  try {
    return await measure('session + outbox row, PostgreSQL', await postgres.createDatabase(), folder, [10]);
  } finally {
    await postgres.close();
  }
};

export const bench: Bench = {
  name: 'store',
  run: () =>
    withFolder(async (folder) => {
      const full = `sqlite:${join(folder, 'full.db')}`;
      const normal = `sqlite:${join(folder, 'normal.db')}?synchronous=normal`;
      return [
        ...(await measure('session + outbox row, SQLite', full, folder, [1, 16])),
        ...(await measure('session + outbox row, SQLite, synchronous=normal', normal, folder, [1, 16])),
        ...(await onPostgres(folder)),
      ];
    }),
};
