/** What the tests of keys share: a clock to set, temp folders, quiet logs, keys and stores in memory. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadConfig } from '../../shared/config/config.ts';
import { encode } from '../../shared/keys/base64url.ts';
import { signBytes } from '../../shared/keys/jws.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Settings } from '../../shared/ports/settings.ts';
import type { Collection, PageRequest, Store, Write } from '../../shared/ports/store.ts';
import type { Keys, VerificationKey } from '../../shared/ports/tokens.ts';

export class TestClock {
  at = Date.UTC(2026, 0, 1);
  now(): number {
    return this.at;
  }
  pass(ms: number): void {
    this.at += ms;
  }
  get seconds(): number {
    return Math.floor(this.at / 1000);
  }
}

/** A folder that goes with the test. */
export const tempFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export const configOf = (environment: Record<string, string>) => loadConfig(environment);

/** Remembers the codes of its lines. */
export const testLog = (): Log & { codes: string[] } => {
  const codes: string[] = [];
  const line = (code: string) => void codes.push(code);
  return { codes, debug: line, info: line, warn: line, error: line };
};

export const ISSUER = 'https://id.example.org';
export const settings = { public_url: ISSUER, audience: 'perfect21', access_token_ttl: 900 } as Settings;

export const newPair = (alg: VerificationKey['alg']): { privateKey: KeyObject; publicKey: KeyObject } => {
  if (alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  return alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
};

/** One key in memory, which signs whatever a test wants signed. */
export const memoryKeys = (alg: VerificationKey['alg'], kid = `kid-${alg}`) => {
  const { privateKey, publicKey } = newPair(alg);
  const published = new Map([[kid, { kid, alg, key: publicKey }]]);
  const keys: Keys = {
    verification: (wanted) => published.get(wanted),
    sign: async (input) => ({ kid, alg, signature: signBytes(alg, privateKey, input({ kid, alg })) }),
    jwks: async () => ({ keys: [] }),
  };
  /** A token of exactly this header and payload; text goes in as it is. */
  const mint = (header: object | string, payload: object | string): string => {
    const [h, p] = [header, payload].map((each) => encode(typeof each === 'string' ? each : JSON.stringify(each)));
    return `${h}.${p}.${encode(signBytes(alg, privateKey, Buffer.from(`${h}.${p}`)))}`;
  };
  return { kid, alg, keys, mint, published, publicKey, privateKey };
};

export const header = (alg: string, kid = `kid-${alg}`) => ({ alg, kid, typ: 'at+jwt' });
export const claims = (now: number) => ({
  iss: ISSUER,
  aud: 'perfect21',
  sub: 'user-1',
  client_id: 'perfect21',
  jti: 'token-1',
  sid: 'session-1',
  gen: 3,
  iat: now,
  exp: now + 900,
  permissions: ['users:read:*'],
  roles: ['admin'],
});

/** Records in memory with the answers of a store, in pages of `limit`; `away` makes it fail, `hang` never answer. */
export const memoryStore = () => {
  const rows = new Map<string, { collection: Collection; id: string; value: any }>();
  const state = {
    mode: 'up' as 'up' | 'away' | 'hang',
    queries: [] as PageRequest[],
    gets: 0,
    onQuery: (_: PageRequest): void => {},
  };
  const answer = async <T>(give: () => T): Promise<T> => {
    if (state.mode === 'hang') await new Promise(() => {});
    if (state.mode === 'away') throw new AppError('unavailable');
    return give();
  };
  const store = {
    get: (collection: Collection, id: string) =>
      answer(() => {
        state.gets += 1;
        const row = rows.get(`${collection.name} ${id}`);
        return row && { id, version: 1, value: structuredClone(row.value) };
      }),
    query: (collection: Collection, index: string, hash: string, page: PageRequest = {}) =>
      answer(() => {
        state.queries.push(page);
        state.onQuery(page);
        const { hash: hashOf, sort } = collection.indexes[index]!;
        const found = [...rows.values()]
          .filter((row) => row.collection.name === collection.name && hashOf(row.value, row.id) === hash)
          .map(({ id, value }) => ({ id, version: 1, value, key: sort(value, id) }))
          .filter(({ key }) => key >= (page.from ?? ''))
          .sort((a, b) => (a.key < b.key ? -1 : 1));
        const start = Number(page.cursor ?? 0);
        const end = start + (page.limit ?? 50);
        return { items: found.slice(start, end), ...(end < found.length && { next_cursor: String(end) }) };
      }),
    transact: (writes: readonly Write[]) =>
      answer(() => {
        for (const write of writes) {
          const key = `${write.collection.name} ${write.id}`;
          if (write.kind === 'delete') rows.delete(key);
          else if (write.kind === 'insert')
            rows.set(key, { collection: write.collection, id: write.id, value: write.value });
        }
      }),
  } as unknown as Store;
  return { store, state };
};
