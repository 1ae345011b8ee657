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
