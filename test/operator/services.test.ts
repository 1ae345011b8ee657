/** `perfect21 services …`: made, listed, rotated and revoked by an operator. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { perfect21 } from './support.ts';

// each command is a process of its own, and other tests run beside
vi.setConfig({ testTimeout: 120_000 });

test('an operator makes, lists, rotates and revokes services; secrets are shown once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-services-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const run = (...args: string[]) => perfect21(args, { PERFECT21_DATA_DIR: folder });
  expect((await run('migrate')).code).toBe(0);

  const made = await run('services', 'create', 'orders', '--permissions', 'users:read, docs:*:own');
  expect([made.code, made.err]).toEqual([0, '']);
  const [, client_id, first] = /client id +(\S+)\nclient secret +(p21s_\S+)/.exec(made.out) ?? [];
  const rotated = await run('services', 'rotate', client_id!, '--overlap', '2h', '--json');
  const [{ client_secret: second, secrets }] = rotated.rows;
  expect(second).not.toBe(first);
  expect(secrets.map((each: { expires_at?: number }) => each.expires_at !== undefined)).toEqual([false, true]);

  const keys = join(folder, 'keys.json');
  writeFileSync(
    keys,
    JSON.stringify({ keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] }),
  );
  const keyed = await run('services', 'create', 'reports', '--keys', keys, '--json');
  expect(keyed.rows).toMatchObject([{ name: 'reports', keys: [{ alg: 'EdDSA' }], secrets: [] }]);

  const { out } = await run('services', 'list');
  expect(out).toMatch(new RegExp(`${client_id}  orders +2 +0 +users:read docs:\\*:own`));
  expect(out).not.toMatch(/p21s_/);
  expect((await run('services', 'revoke', client_id!)).code).toBe(0);
  expect((await run('services', 'list', '--json')).rows.map(({ name }) => name)).toEqual(['reports']);

  const bad: [string[], number, string][] = [
    [['revoke', client_id!], 1, 'There is no such service'],
    [['create', 'Orders'], 1, 'name: Use 1 to 63'],
    [['create', 'orders', '--permissions', 'everything'], 1, 'permissions.0: Use resource:action'],
    [['create', 'orders', '--keys', join(folder, 'secret')], 2, 'is no JWK Set'],
    [['rotate', client_id!, '--overlap', 'long'], 2, '--overlap is a time'],
  ];
  for (const [args, code, said] of bad) {
    const refused = await run('services', ...args);
    expect([refused.code, refused.err]).toEqual([code, expect.stringContaining(said)]);
  }
});
