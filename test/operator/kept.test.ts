/** What is done to all that is kept, on every engine: seeds sealed anew, old lines of the audit log taken away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { factors } from '../../functions/auth/records.ts';
import { resealSeeds } from '../../functions/auth/reseal.ts';
import { openSeed, sealSeed } from '../../functions/auth/seed.ts';
import { verifyAuditLog } from '../../functions/auth/verify-audit.ts';
import { schema } from '../../functions/index.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { createSecrets } from '../../shared/keys/secrets.ts';
import { createVault } from '../../shared/keys/vault.ts';
import { adapter } from '../../shared/kit/adapter.ts';
import { sealAudit } from '../../shared/kit/audit-chain.ts';
import { lineOf } from '../../shared/kit/audit-note.ts';
import { auditLines } from '../../shared/kit/audit-records.ts';
import { TRIMMED, trimAudit } from '../../shared/kit/audit-trim.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { insert, type Store, type Stored, type Write } from '../../shared/ports/store.ts';
import { openHost } from '../../shared/process/host.ts';
import { stubEnvironment } from '../support/aws.ts';
import { testEnvironment } from '../support/platform.ts';
import { ENGINES } from './engines.ts';

vi.setConfig({ testTimeout: 120_000 });

const DAY_MS = 86_400_000;
const [OLD, NEW] = ['k3Jv0m8sQp2LxW9tZr5YhN7cBf1GdA4u', 'u4AdG1fBc7NhY5rZt9WxL2pQs8m0vJ3k'];

const open = async (engine: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-kept-'));
  const env = await ENGINES[engine]!();
  stubEnvironment(env);
  const time = { now: Date.UTC(2026, 0, 1) };
  const clock = adapter({ port: 'clock', open: () => ({ port: { now: () => time.now } }) });
  const host = await openHost(loadConfig(testEnvironment(folder, env)), schema, {
    replace: [clock],
    ports: ['store', 'clock', 'ids', 'log', 'metrics'],
  });
  onTestFinished(async () => {
    await host.close();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });
  return { host, time, store: host.ports.store };
};

const inBatches = async (store: Store, writes: readonly Write[]): Promise<void> => {
  for (let at = 0; at < writes.length; at += 100) await store.transact(writes.slice(at, at + 100));
};

describe.each(Object.keys(ENGINES))('on %s', (engine) => {
  test('seeds are sealed anew; who is cut off in the middle goes on, and no seed is lost in between', async () => {
    const { store } = await open(engine);
    const COUNT = 230;
    const ids = Array.from({ length: COUNT }, (_, n) => `user-${String(n).padStart(3, '0')}`);
    const seedOf = (id: string): Uint8Array => Buffer.from(`seed of ${id}`);
    const before = createVault(createSecrets(OLD));
    const vault = createVault(createSecrets(NEW, OLD));
    const after = createVault(createSecrets(NEW));
    const sealed = await Promise.all(ids.map((id) => sealSeed(before, id, seedOf(id))));
    const factor = (n: number) => ({ user_id: ids[n]!, sealed_seed: sealed[n]!, recovery: [], confirmed_at: 1 });
    await inBatches(
      store,
      ids.map((id, n) => insert(factors, id, factor(n) as never)),
    );
    const opening = async (by: typeof vault): Promise<number> => {
      const found = await Promise.all(ids.map((id) => store.get(factors, id)));
      const seeds = await Promise.allSettled(found.map((each) => openSeed(by, each!.id, each!.value.sealed_seed)));
      return seeds.filter(
        (each, n) => each.status === 'fulfilled' && seedOf(ids[n]!).every((b, at) => b === each.value[at]),
      ).length;
    };
    // the store is away at the 138th
    let changes = 0;
    const cutOff: Pick<Store, 'get' | 'query' | 'transact'> = {
      get: (...asked) => store.get(...asked),
      query: (...asked) => store.query(...asked),
      transact: (...asked) =>
        ++changes > 137 ? Promise.reject(new AppError('unavailable')) : store.transact(...asked),
    };
    await expect(resealSeeds(cutOff, vault)).rejects.toMatchObject({ code: 'unavailable' });
    expect([await opening(vault), await opening(after), await opening(before)]).toEqual([COUNT, 137, COUNT - 137]);
    expect(await resealSeeds(store, vault)).toBe(COUNT - 137);
    expect(await resealSeeds(store, vault)).toBe(0);
    expect([await opening(vault), await opening(after)]).toEqual([COUNT, COUNT]);
  });

  test('lines that were kept long enough go from the front, others stay, and the log is as it was written', async () => {
    const { host, time, store } = await open(engine);
    const told = {
      ...{ action: 'tests.do', actor: 'tester', actor_kind: 'service' as const, request_id: 'r' },
      ...{ ip_address: '203.0.113.7', user_agent: 'test' },
    };
    const write = async (count: number): Promise<void> => {
      await inBatches(
        store,
        Array.from({ length: count }, () => lineOf(told, host.ports, undefined)),
      );
      await sealAudit(store);
    };
    const kept = async (): Promise<Stored<any>[]> =>
      (await store.query(auditLines, 'chain', 'sealed', { limit: 200 })).items;
    const verified = async (): Promise<any> => {
      const context = {
        ...{ request_id: 'r', trace: continueTrace(), client: {}, door: 'local' as const },
        caller: { kind: 'anonymous' as const },
      };
      return host.call(verifyAuditLog, { limit: 10_000 }, context);
    };
    await write(150);
    time.now += 20 * DAY_MS;
    await write(10);
    expect(await trimAudit(host.ports, 30 * DAY_MS)).toBe(0);
    time.now += 11 * DAY_MS;
    // two processes at once: each line goes once, and one checkpoint is told for each commit
    const gone = await Promise.all([trimAudit(host.ports, 30 * DAY_MS), trimAudit(host.ports, 30 * DAY_MS)]);
    const rest = await trimAudit(host.ports, 30 * DAY_MS);
    expect(gone[0] + gone[1] + rest).toBe(150);
    await sealAudit(store);
    const left = (await kept()).map(({ value }) => [value.number, value.action]);
    expect(left.slice(0, 11)).toEqual([...Array.from({ length: 10 }, (_, n) => [151 + n, 'tests.do']), [161, TRIMMED]]);
    expect(left.slice(10).every(([, action]) => action === TRIMMED)).toBe(true);
    expect(await verified()).toMatchObject({ faults: [], complete: true });
    expect(await trimAudit(host.ports, 30 * DAY_MS)).toBe(0);
  });
});
