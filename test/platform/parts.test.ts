/** What a process opens follows from what it does: its parts, and the operations that they bring to somebody. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { validateToken } from '../../functions/auth/validate-token.ts';
import { validateTokens } from '../../functions/auth/validate-tokens.ts';
import * as product from '../../functions/index.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { openFileKeys } from '../../shared/keys/file-keys.ts';
import { createProcessFeed } from '../../shared/keys/process-feed.ts';
import { createTokenSigner } from '../../shared/keys/token-signer.ts';
import { adapter } from '../../shared/kit/adapter.ts';
import { operation } from '../../shared/kit/operation.ts';
import { service } from '../../shared/kit/service.ts';
import { stream } from '../../shared/kit/stream.ts';
import type { PortName } from '../../shared/ports/index.ts';
import { compose, type Process } from '../../shared/process/launch.ts';
import { consumers, DOORS, metrics, PLATFORM } from '../../shared/process/parts.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { randomIds } from '../../shared/system/ids.ts';
import { testEnvironment } from '../support/platform.ts';

const root = mkdtempSync(join(tmpdir(), 'perfect21-parts-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let number = 0;
const TOKEN = `p21s_test_${'a'.repeat(43)}`;

const start = async (
  parts: typeof PLATFORM,
  env: Record<string, string>,
  platform = product.platform,
  replace: any[] = [],
) => {
  number += 1;
  const folder = join(root, String(number));
  const config = loadConfig(testEnvironment(folder, { PERFECT21_SERVICE_TOKEN: TOKEN, ...env }));
  const process = await compose(parts, { platform, schema: product.schema }, config, { replace });
  onTestFinished(() => process.stop());
  return { ...process, folder };
};
const opened = ({ host }: Process): PortName[] => Object.keys(host.ports).sort() as PortName[];

const BASE = ['clock', 'ids', 'log', 'metrics', 'store'];
const CALLERS = ['serviceTokens', 'verifier'];

describe('a process of one service opens no port that its operations do not reach', () => {
  const expected: Record<string, string[]> = {
    sessions: [...BASE, ...CALLERS, 'places', 'revocationNews', 'revocations', 'secrets', 'settings'],
    permissions: [...BASE, ...CALLERS, 'conditions', 'revocationNews', 'revocations', 'settings'],
  };
  test.each(Object.keys(expected))('%s', async (name) => {
    const process = await start(PLATFORM, { PERFECT21_SERVICES: name, DISCOVERY_URL: 'static:users=127.0.0.1:1' });
    expect(opened(process)).toEqual([...new Set(expected[name])].sort());
  });

  test('the whole platform opens all that any does, and signs', async () => {
    const process = await start(PLATFORM, {});
    expect(opened(process)).toEqual(expect.arrayContaining(['mailer', 'passwords', 'tokens', 'push', 'sms', 'sealer']));
  });

  test('who only consumes opens what handlers reach, and who only measures opens nothing', async () => {
    const away = { PERFECT21_SERVICES: 'notifications', DISCOVERY_URL: 'static:users=127.0.0.1:1' };
    const consuming = await start([consumers], away);
    expect(opened(consuming)).toContain('mailer');
    expect(opened(consuming)).not.toContain('verifier');
    expect(opened(await start([metrics], {}))).toEqual(['clock', 'ids', 'log', 'metrics']);
  });
});

test('a callee that streams is refused at the start where it runs apart, and is called where it does not', async () => {
  const rows = operation({
    name: 'users.rows',
    summary: 'Gives rows',
    access: 'service',
    input: z.object({}),
    output: stream(z.object({ n: z.int() })),
    elsewhere: 'nothing',
    async *run() {
      yield { n: 1 };
    },
  });
  const reader = operation({
    name: 'sessions.reader',
    summary: 'Reads rows of another service',
    access: 'service',
    input: z.object({}),
    output: z.object({}),
    calls: { rows },
    run: async () => ({}),
  });
  const platform = [service('sessions', [reader]), service('users', [rows])];
  const away = { PERFECT21_SERVICES: 'sessions', DISCOVERY_URL: 'static:users=127.0.0.1:1' };
  await expect(start(DOORS, away, platform)).rejects.toThrow(
    /^sessions\.reader calls users\.rows, which streams rows: run both in one process[^\n]*$/,
  );
  expect((await start(DOORS, { PERFECT21_SERVICES: 'sessions,users' }, platform)).http).toBeDefined();
});

describe('a process that only verifies', () => {
  const setUp = async () => {
    const { port: ids } = await randomIds.open({}, {} as any);
    const { port: clock } = await systemClock.open({}, {} as any);
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const keys = await openFileKeys(join(root, `issuer-${number}`, 'keys.json'), 'ES256', { clock, log });
    const settings = { public_url: 'http://localhost:8080', audience: 'perfect21', access_token_ttl: 900 } as any;
    const issuer = createServer(async (_, response) => response.end(JSON.stringify(await keys.jwks())));
    await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void issuer.close());
    const feed = createProcessFeed({ clock, ids });
    const process = await start(
      DOORS,
      {
        PERFECT21_SERVICES: 'auth',
        KEYS_URL: `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`,
      },
      [service('auth', [validateToken, validateTokens])],
      [adapter({ port: 'revocationFeed', open: () => ({ port: feed }) })],
    );
    const signer = createTokenSigner({ signer: keys, clock, ids, settings });
    const validate = async (token: string) => {
      const response = await fetch(`${process.http!.url}/api/v1/auth/validate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      });
      return response.json();
    };
    const about = { user_id: 'u', session_id: 's', generation: 1, permissions: [], roles: [] };
    return { process, feed, issuer, clock, validate, token: (await signer.sign(about)).access_token };
  };

  test('has no signer, no store and no master secret, and verifies what another process signs', async () => {
    const { process, feed, issuer, clock, validate, token } = await setUp();
    expect(opened(process)).toEqual(['clientMarks', 'clock', 'ids', 'log', 'metrics', 'verifier']);
    for (const file of ['secret', 'signing-keys.json', 'platform.db'])
      expect(existsSync(join(process.folder, file))).toBe(false);
    expect(await validate(token)).toMatchObject({ valid: true, user_id: 'u' });
    issuer.closeAllConnections();
    issuer.close();
    feed.publish({ kind: 'permissions', value: 'u', generation: 3, created_at: clock.now() });
    expect(await validate(token)).toMatchObject({ valid: true, warnings: ['permissions_changed'] });
    feed.publish({ kind: 'sid', value: 's', error: 'session_ended', created_at: clock.now() });
    expect(await validate(token)).toMatchObject({ valid: false, error_message: 'session_ended' });
    const { status } = await fetch(`${process.http!.url}/readyz`);
    expect(status).toBe(200);
  });

  test('refuses to start where it would have to issue tokens', async () => {
    const signing = start(DOORS, { KEYS_URL: 'http://127.0.0.1:1/jwks.json' });
    await expect(signing).rejects.toThrow(/KEYS_URL names keys that only verify/);
  });
});
