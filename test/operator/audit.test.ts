/** `perfect21 audit …`: what an operator did is told, and whether the log was changed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { perfect21 } from './support.ts';

// each command is a process of its own, and other tests run beside
vi.setConfig({ testTimeout: 120_000 });

test('an operator sees what was done, also by himself, and whether the log was changed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const run = (...args: string[]) => perfect21(args, { PERFECT21_DATA_DIR: folder });
  await run('migrate');
  for (const name of ['orders', 'reports']) expect((await run('services', 'create', name)).code).toBe(0);
  const listed = await run('audit', 'list', '--action', 'auth.create-service', '--json');
  expect(listed.rows).toMatchObject([
    { actor: 'operator', outcome: 'done', about: { name: 'reports' } },
    { actor: 'operator', outcome: 'done', about: { name: 'orders' } },
  ]);
  expect((await run('audit', 'list', '--limit', '1')).out).toMatch(/operator +auth.create-service/);

  const good = await run('audit', 'verify');
  expect([good.code, good.out]).toEqual([
    0,
    expect.stringMatching(/^2 lines, the log is as it was written; the last is 2:/),
  ]);
  const [, last] = /the last is (\S+)/.exec(good.out)!;
  expect((await run('audit', 'verify', '--after', last!, '--json')).rows).toMatchObject([
    { verified: 0, faults: [], last },
  ]);

  const db = new DatabaseSync(join(folder, 'perfect21.db'));
  db.exec("UPDATE r_audit_lines SET data = replace(data, 'orders', 'others')");
  db.close();
  const changed = await run('audit', 'verify');
  expect([changed.code, changed.err]).toEqual([1, expect.stringContaining('line 1: changed')]);
  expect((await run('audit', 'verify', '--after', 'x')).code).toBe(2);
});

test('whatever an operator changes or takes out of the platform has its line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const run = (args: string[], input?: string) => perfect21(args, { PERFECT21_DATA_DIR: folder }, input);
  await run(['migrate']);
  const made = await run(
    ['users', 'create', 'ada@example.org', '--role', 'admin', '--password-stdin', '--json'],
    'violet tractors hum quietly\n',
  );
  const [{ user_id }] = made.rows;
  await run(['users', 'import', '-'], JSON.stringify({ email: 'late@example.org' }));
  await run(['users', 'grant-role', 'late@example.org', 'admin']);
  await run(['users', 'export', join(folder, 'out.ndjson')]);
  const [{ client_id }] = (await run(['services', 'create', 'orders', '--json'])).rows;
  for (const words of ['rotate', 'revoke']) expect((await run(['services', words, client_id])).code).toBe(0);
  // looking at one account by oneself takes nothing out
  expect((await run(['users', 'show', 'ada@example.org'])).code).toBe(0);
  const { rows } = await run(['audit', 'list', '--json']);
  expect(rows.reverse().map(({ actor, action, subject, outcome }) => [actor, action, subject, outcome])).toEqual([
    ['operator', 'users.create-user', user_id, 'done'],
    ['operator', 'permissions.assign-role', user_id, 'done'],
    ['operator', 'users.import-users', expect.any(String), 'done'],
    ['operator', 'permissions.assign-role', expect.any(String), 'done'],
    ['operator', 'users.export-users', undefined, 'done'],
    ['operator', 'auth.create-service', undefined, 'done'],
    ['operator', 'auth.rotate-service', undefined, 'done'],
    ['operator', 'auth.revoke-service', undefined, 'done'],
  ]);
});
