/** What makes a deployment ready: `perfect21 migrate` and `perfect21 bootstrap`, on every engine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { schema } from '../../functions/index.ts';
import { getEffective } from '../../functions/permissions/get-effective.ts';
import { checkPassword } from '../../functions/users/check-password.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { openHost } from '../../shared/process/host.ts';
import { TEST_SECRET } from '../support/platform.ts';
import { ENGINES, type Environment } from './engines.ts';
import { perfect21 } from './support.ts';

// each command is a process of its own, and other tests run beside
vi.setConfig({ testTimeout: 120_000 });

const PASSWORD = 'violet tractors hum quietly';

describe.each(Object.keys(ENGINES))('on %s', (engine) => {
  const environment = async (): Promise<Environment> => {
    const folder = mkdtempSync(join(tmpdir(), 'perfect21-setup-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const own = await ENGINES[engine]!();
    return { PERFECT21_DATA_DIR: folder, PERFECT21_SECRET: TEST_SECRET, ...own };
  };

  test('an empty store gets its shape, and of several that bootstrap at once one makes the administrator', async () => {
    const env = await environment();
    const migrated = await perfect21(['migrate', '--json'], env);
    expect([migrated.code, migrated.err, migrated.rows]).toEqual([0, '', [{ engine, version: schema.version }]]);
    expect((await perfect21(['migrate', '--finish'], env)).code).toBe(0);

    const makes = ['ada', 'bob', 'eve'].map((name) =>
      perfect21(['bootstrap', '--json', '--email', `${name}@example.org`, '--password-stdin'], env, `${PASSWORD}\n`),
    );
    const ran = await Promise.all(makes);
    expect(ran.map(({ code }) => code).sort()).toEqual([0, 1, 1]);
    for (const { code, err, rows } of ran.filter((each) => each.code !== 0)) {
      expect([code, err, rows]).toEqual([1, expect.stringContaining('there is an administrator already'), []]);
    }
    const [made] = ran.flatMap(({ rows }) => rows);
    expect(made.service_token).toMatch(/^p21s_/);
    expect(JSON.stringify(made)).not.toContain(PASSWORD);

    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', env.AWS_ENDPOINT_URL_DYNAMODB ?? '');
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const host = await openHost(loadConfig({ ...env, LOG_LEVEL: 'silent' }), schema);
    onTestFinished(async () => {
      await host.close();
      vi.unstubAllEnvs();
    });
    const caller = { kind: 'service', name: 'test', permissions: ['*:*:*'] } as const;
    const context = { request_id: 'r', trace: continueTrace(), caller, client: {}, door: 'local' } as const;
    const { user_id } = made;
    expect(await host.call(checkPassword, { user_id, password: PASSWORD }, context)).toMatchObject({ matches: true });
    expect(await host.call(getEffective, { user_id }, context)).toMatchObject({
      roles: expect.arrayContaining(['admin']),
    });
    expect(await host.ports.serviceTokens.verify(made.service_token)).toMatchObject({ name: 'gateway' });
  });
});

test('bootstrap makes a password where none is given, and refuses one that is easy to guess', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-setup-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const env = { PERFECT21_DATA_DIR: folder };
  const weak = await perfect21(['bootstrap', '--email', 'ada@example.org', '--password-stdin'], env, 'password');
  expect([weak.code, weak.err]).toEqual([1, expect.stringContaining('this password is refused')]);
  const { code, out } = await perfect21(['bootstrap', '--email', 'ada@example.org'], env);
  expect([code, out]).toEqual([0, expect.stringMatching(/password +[\w-]{24}\nservice token +p21s_/)]);
});

test.each([
  ['https://auth.example.org/id', 'admin@auth.example.org'],
  ['http://localhost:8080', 'admin@perfect21.local'],
])('where nobody can be asked, bootstrap at %s makes %s, shown once', async (PERFECT21_PUBLIC_URL, email) => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-setup-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const env = { PERFECT21_DATA_DIR: folder, PERFECT21_PUBLIC_URL };
  const { code, rows } = await perfect21(['bootstrap', '--json'], env);
  const shown = {
    email,
    password: expect.stringMatching(/^[\w-]{24}$/),
    service_token: expect.stringMatching(/^p21s_/),
  };
  expect([code, rows]).toEqual([0, [expect.objectContaining(shown)]]);
  const again = await perfect21(['bootstrap'], env);
  expect([again.code, again.out, again.err]).toEqual([
    1,
    '',
    expect.stringContaining('there is an administrator already'),
  ]);
});
