/** `perfect21 keys rotate`, `secret rotate`, `secret retire`. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openFileKeys } from '../../shared/keys/file-keys.ts';
import { readKeyFile } from '../../shared/keys/key-file.ts';
import { readOrMakeSecrets } from '../../shared/keys/secrets.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { TEST_SECRET } from '../support/platform.ts';
import { perfect21 } from './support.ts';

vi.setConfig({ testTimeout: 60_000 });

const dataFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-rotation-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

test('a new secret stands before the old one, until that is retired; neither is printed', async () => {
  const folder = dataFolder();
  const env = { PERFECT21_DATA_DIR: folder };
  const none = await perfect21(['secret', 'rotate'], env);
  expect([none.code, none.err]).toEqual([1, expect.stringContaining('does not exist: start perfect21 once')]);
  const [old] = readOrMakeSecrets(folder);
  const rotated = await perfect21(['secret', 'rotate', '--json'], env);
  const [fresh, kept, ...others] = readOrMakeSecrets(folder);
  expect([rotated.code, kept, others]).toEqual([0, old, []]);
  expect(fresh).not.toBe(old);
  expect(statSync(join(folder, 'secret')).mode & 0o777).toBe(0o600);
  for (const secret of [old, fresh]) expect(rotated.out + rotated.err).not.toContain(secret);
  const lost = await perfect21(['secret', 'retire'], env);
  expect([lost.code, lost.err]).toEqual([1, expect.stringContaining('there is no store')]);
  await perfect21(['migrate'], env);
  expect((await perfect21(['secret', 'retire'], env)).code).toBe(0);
  expect(readOrMakeSecrets(folder)).toEqual([fresh]);
  expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe(`${fresh}\n`);
});

test('of a secret that stands elsewhere a new one is made, and said where it belongs', async () => {
  const env = { PERFECT21_DATA_DIR: dataFolder(), PERFECT21_SECRET: TEST_SECRET };
  const { code, rows } = await perfect21(['secret', 'rotate', '--json'], env);
  expect([code, rows]).toEqual([0, [{ secret: expect.stringMatching(/^[\w-]{43}$/), belongs_in: 'PERFECT21_SECRET' }]]);
  expect((await perfect21(['secret', 'retire'], env)).err).toContain('take all but the first out there');
});

test('a new signing key is published at once and signs later; of KMS it says how', async () => {
  const folder = dataFolder();
  const file = join(folder, 'keys.json');
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const { port: clock } = await systemClock.open({}, {} as never);
  await openFileKeys(file, 'ES256', { clock, log });
  const env = { PERFECT21_DATA_DIR: folder, KEYS_URL: `file:${file}` };
  const { code, rows } = await perfect21(['keys', 'rotate', '--json'], env);
  const [first, next] = readKeyFile(file)!;
  expect([code, rows[0].kid]).toEqual([0, next!.kid]);
  expect(next!.signs_from).toBeGreaterThan(first!.signs_from);
  const kms = await perfect21(['keys', 'rotate'], { ...env, KEYS_URL: 'kms:some' });
  expect([kms.code, kms.err]).toEqual([1, expect.stringContaining('KEYS_URL=kms:<old>,<new>')]);
});
