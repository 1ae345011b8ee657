/** What an engine gives the suite, and the fixed surroundings in which the suite opens stores. */
import { createHash, randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { type Config, loadConfig } from '../../shared/config/config.ts';
import { createSecrets } from '../../shared/keys/secrets.ts';
import type { Adapter } from '../../shared/kit/adapter.ts';
import { AppError, type ErrorCode } from '../../shared/kit/errors.ts';
import type { Ports } from '../../shared/ports/index.ts';
import {
  type Collection,
  type Counter,
  collection,
  type NewMessage,
  type PageRequest,
  type Store,
} from '../../shared/ports/store.ts';
import type { StoreSchema } from '../../shared/store/schema.ts';

/** One fresh, empty place for data. */
export interface Harness {
  /** The engine's adapter for a schema, e.g. `sqliteStore`. */
  adapter: (schema: StoreSchema) => Adapter<'store', any>;
  /** Config of which `store` names the place; the same each time, so that opening again finds the same data. */
  config: Config;
  /** What another process needs in its environment to find the same place with the same URL. */
  env?: Record<string, string>;
  /** Makes the engine unreachable (server stopped, file locked, wire cut); a promise of a call may already be under way. */
  away?: () => Promise<void>;
  back?: () => Promise<void>;
  /** Removes the place; all stores on it are closed by then. */
  close: () => Promise<void>;
}

/** What an engine can show; anything left out is a property of the engine itself, not a gap of the test. */
export interface Abilities {
  /** A second instance can open the same data, at once or later. False for a database in memory. */
  reopens: boolean;
  /** How long the claims of a process that died may still stand, ms; false where there is one process only. */
  freesClaims: number | false;
  /** What stops working between the harness's `away` and `back`; false when it has neither. */
  goesAway: false | 'for writes' | 'wholly';
}

/** A clock that stands still until it is told. */
export class FakeClock {
  at = Date.UTC(2026, 0, 1);
  now(): number {
    return this.at;
  }
  pass(ms: number): void {
    this.at += ms;
  }
}

export type FakePorts = Pick<Ports, 'ids' | 'log' | 'metrics' | 'secrets'> & { clock: FakeClock; logged: string[] };

export const fakePorts = (secret = 'contract'): FakePorts => {
  const logged: string[] = [];
  const note = (code: string) => void logged.push(code);
  return {
    clock: new FakeClock(),
    ids: { uuid: () => v7(), random: (bytes = 32) => randomBytes(bytes).toString('base64url') },
    secrets: createSecrets(secret),
    metrics: { count: () => undefined, observe: () => undefined, gauge: () => undefined },
    log: { debug: note, info: note, warn: note, error: note },
    logged,
  };
};

/** The environment of a platform whose store is at this URL. */
export const configFor = (url: string): Config =>
  loadConfig({ STORE_URL: url, PERFECT21_SECRET: createHash('sha256').update('contract').digest('base64') });

export interface Person {
  email: string;
  name: string;
  city?: string;
}

export const people = collection<Person>()('people', {
  indexes: {
    by_email: { hash: ({ email }) => email, sort: () => '' },
    by_city: { hash: ({ city }) => city, sort: ({ name }) => name },
  },
});
export const notes = collection<{ text: string }>()('notes');
export const hits = collection<Counter>()('hits', { counts: true });
/** Spread over partitions where the engine has some. */
export const crew = collection<{ name: string }>()('crew', {
  indexes: { by_team: { hash: () => 't', sort: ({ name }) => name, shards: 4 } },
});
export const schema: StoreSchema = { version: 1, collections: [people, notes, hits, crew] };

export const person = (name: string, more: Partial<Person> = {}): Person => ({
  name,
  email: `${name}@example.test`,
  ...more,
});

let order = 0;
/** A message whose id sorts after those made before. */
export const message = (more: Partial<NewMessage> & { at: number }): NewMessage => {
  const { at, ...rest } = more;
  order += 1;
  const id = `01900000-0000-7000-8000-${order.toString(16).padStart(12, '0')}`;
  return { queue: 'q', id, available_at: at, body: { n: order }, ...rest };
};

/** The code of the AppError that a promise is rejected with; the thrown thing itself for anything else. */
export const codeOf = async (promise: Promise<unknown>): Promise<ErrorCode | 'resolved'> => {
  try {
    await promise;
    return 'resolved';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
};

/** Every record of a query, page by page. */
export const walk = async (
  store: Store,
  from: Collection<string, any>,
  index: string,
  hash: string,
  page: PageRequest = {},
) => {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const found = await store.query(from, index, hash, { ...page, ...(cursor && { cursor }) });
    ids.push(...found.items.map(({ id }) => id));
    cursor = found.next_cursor;
  } while (cursor);
  return ids;
};
