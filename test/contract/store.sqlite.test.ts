import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteStore } from '../../shared/store/sqlite/adapter.ts';
import { configFor, type Harness } from './store-harness.ts';
import { storeContract } from './store-suite.ts';

const memory = async (): Promise<Harness> => ({
  adapter: sqliteStore,
  config: configFor('sqlite::memory:'),
  close: async () => undefined,
});

/** A file; it is away while another process holds it locked. */
const file = async (): Promise<Harness> => {
  const folder = await mkdtemp(join(tmpdir(), 'store-sqlite-'));
  const path = join(folder, 'data', 'platform.db');
  let holder: DatabaseSync | undefined;
  return {
    adapter: sqliteStore,
    config: configFor(`sqlite:${path}?busy_timeout=200`),
    away: async () => {
      holder = new DatabaseSync(path);
      holder.exec('BEGIN IMMEDIATE');
    },
    back: async () => holder?.close(),
    close: () => rm(folder, { recursive: true }),
  };
};

storeContract('SQLite in memory', memory, { reopens: false, freesClaims: false, goesAway: false });
storeContract('a SQLite file', file, { reopens: true, freesClaims: 0, goesAway: 'for writes' });
