/** `perfect21 users …`: accounts made, shown, brought in and taken out by an operator, on every engine. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { TEST_SECRET } from '../support/platform.ts';
import { ENGINES } from './engines.ts';
import { perfect21 } from './support.ts';

// each command is a process of its own, and other tests run beside
vi.setConfig({ testTimeout: 120_000 });

const BCRYPT = '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe';

const placeOf = (engine: string) => async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-users-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const env = { PERFECT21_DATA_DIR: folder, PERFECT21_SECRET: TEST_SECRET, ...(await ENGINES[engine]!()) };
  expect((await perfect21(['migrate'], env)).code).toBe(0);
  const run = (args: readonly string[], input?: string) => perfect21(['users', ...args], env, input);
  return { folder, run };
};

describe.each(Object.keys(ENGINES))('on %s', (engine) => {
  const place = placeOf(engine);

  test('rows come in, again after a cut, and go out; what is broken is named and costs itself only', async () => {
    const { folder, run } = await place();
    const file = join(folder, 'in.ndjson');
    const rows = Array.from({ length: 40 }, (_, n) => ({
      external_id: `p${n}`,
      email: n === 7 ? 'no address' : `p${n}@example.org`,
      password_hash: BCRYPT,
    }));
    writeFileSync(file, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n{"broken\n`);
    const first = await run(['import', file, '--json']);
    expect([first.err, first.code]).toEqual(['', 1]);
    expect(first.rows).toEqual([
      {
        row: 8,
        status: 'failed',
        code: 'invalid_request',
        errors: [{ path: 'email', message: 'Not an e-mail address' }],
      },
      expect.objectContaining({ row: 41, status: 'failed', code: 'invalid_request' }),
      { rows: 41, created: 39, exists: 0, failed: 2 },
    ]);
    const again = await run(['import', file, '--skip', '30', '--json']);
    expect(again.rows.at(-1)).toEqual({ rows: 41, created: 0, exists: 10, failed: 1 });
    const one = await run(['import', '-', '--json'], JSON.stringify({ email: 'late@example.org' }));
    expect([one.code, one.rows]).toEqual([0, [{ rows: 1, created: 1, exists: 0, failed: 0 }]]);

    const out = join(folder, 'out.ndjson');
    expect((await run(['export', out])).out).toContain('40 accounts');
    const whole = readFileSync(out, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(whole.map(({ email }) => email).sort()).toEqual(
      [...rows.filter((_, n) => n !== 7).map(({ email }) => email), 'late@example.org'].sort(),
    );
    expect(JSON.stringify(whole)).not.toContain('$2a$');
    const rest = await run(['export', '--after', whole[35].id]);
    expect(rest.rows.map(({ id }) => id)).toEqual(whole.slice(36).map(({ id }) => id));
    expect((await run(['export', '--status', 'locked'])).out).toBe('');
  });

  test('an account is made with a role, and shown by address, name and id', async () => {
    const { run } = await place();
    const words = ['create', 'ada@example.org', '--username', 'ada', '--role', 'admin', '--password-stdin', '--json'];
    const made = await run(words, 'violet tractors hum quietly\n');
    expect([made.err, made.code]).toEqual(['', 0]);
    const [{ user_id }] = made.rows;
    for (const who of ['ada@example.org', 'ADA', user_id]) {
      const shown = (await run(['show', who, '--json'])).rows;
      expect(shown).toMatchObject([
        { id: user_id, email: 'ada@example.org', status: 'active', roles: ['admin', 'user'] },
      ]);
    }
    for (const [args, why] of [
      [['create', 'ada@example.org', '--password-stdin'], 'somebody has the address'],
      [['create', 'none', '--password-stdin'], 'email: Not an e-mail address'],
      [['show', 'nobody@example.org'], 'there is no user nobody@example.org'],
      [['show', '01890a5d-ac96-774b-bcce-b302099a8057'], 'there is no user'],
      [['import', '/does/not/exist'], "can't be read: ENOENT"],
      [['export', '--status', 'gone'], '--status is one of'],
    ] as const) {
      const { code, err } = await run(args, 'violet tractors hum quietly\n');
      expect([args, code === 0, err.includes(why)]).toEqual([args, false, true]);
    }
  });
});
