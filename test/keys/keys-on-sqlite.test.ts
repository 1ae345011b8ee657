import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { revocations, toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import { openRevocations } from '../../shared/keys/revocations.ts';
import { createSecrets } from '../../shared/keys/secrets.ts';
import { createServiceToken, serviceCredentials } from '../../shared/keys/service-credential-records.ts';
import { createServiceTokens } from '../../shared/keys/service-tokens.ts';
import { createStoreFeed } from '../../shared/keys/store-feed.ts';
import type { Store } from '../../shared/ports/store.ts';
import { sqliteStore } from '../../shared/store/sqlite/adapter.ts';
import { randomIds } from '../../shared/system/ids.ts';
import { configOf, TestClock, tempFolder, testLog } from './harness.ts';

const { port: ids } = await randomIds.open({}, configOf({}));

/** Two stores on one file, as two processes have them. */
const setUp = async () => {
  const clock = new TestClock();
  const config = configOf({ STORE_URL: `sqlite:${join(tempFolder(), 'keys.db')}` });
  const ports = { clock, ids, log: testLog(), secrets: createSecrets('k3Jv0m8sQp2LxW9tZr5YhN7cBf1GdA4u') };
  const open = async (): Promise<Store> => {
    const schema = { version: 1, collections: [revocations, serviceCredentials] };
    const { port } = await sqliteStore(schema).open(ports as any, config);
    onTestFinished(() => port.close());
    return port;
  };
  return { clock, ports, one: await open(), two: await open() };
};

describe('keys on a real store', () => {
  test('sessions ended by one process, many at once, are ended for another within a second', async () => {
    const { clock, one, two, ports } = await setUp();
    const { port, close } = await openRevocations({
      ...ports,
      revocationFeed: createStoreFeed({ ...ports, store: two }),
    });
    onTestFinished(close);
    const ended = Array.from({ length: 90 }, (_, n) => `s${n}`);
    await one.transact(
      ended.map((value) =>
        toRevocationWrite({ kind: 'sid', value, error: 'session_ended', created_at: clock.now() }, ids.uuid()),
      ),
    );
    await vi.waitFor(
      async () => {
        for (const sid of ended) expect(await port.find({ jti: 'j', sid, sub: 'u', gen: 1 })).toBe('session_ended');
      },
      { timeout: 1000, interval: 20 },
    );
  });

  test('a service token made by one process lets in at another', async () => {
    const { clock, one, two } = await setUp();
    const { token, write } = createServiceToken({ name: 'gateway', permissions: ['users:read:*'] }, { ids, clock });
    await one.transact([write]);
    const tokens = createServiceTokens({ store: two, clock });
    expect(await tokens.verify(token)).toEqual({ name: 'gateway', permissions: ['users:read:*'] });
  });
});
