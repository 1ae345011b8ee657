import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../infra/generate/files.ts';
import packageJson from '../../package.json' with { type: 'json' };

test('perfect21 --version prints the version of the package', () => {
  const { status, stdout } = spawnSync(process.execPath, ['bin/perfect21.mjs', '--version'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect([status, stdout]).toEqual([0, `${packageJson.version}\n`]);
});

test('npx perfect21 works from a plain shell, whichever Node the system has', () => {
  const cache = mkdtempSync(join(tmpdir(), 'perfect21-npx-'));
  // without the packages' programs, among which is Node 24
  const PATH = (process.env.PATH ?? '')
    .split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':');
  const env = { PATH, HOME: process.env.HOME, npm_config_cache: cache };
  try {
    const args = ['--offline', 'perfect21', 'dlq', 'list', '--help'];
    const { status, stdout } = spawnSync('npx', args, { cwd: ROOT, env, encoding: 'utf8' });
    expect([status, stdout]).toEqual([0, expect.stringContaining('perfect21 dlq list')]);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
});
