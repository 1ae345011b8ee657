/** `perfect21 keys rotate`, `secret rotate`, `secret promote`, `secret reseal`, `secret retire`. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { keysFault, vaultFault } from '../../infra/aws/deploy-plugin.ts';
import { secretsIn } from '../../shared/config/keys.ts';
import { openAwsSecrets } from '../../shared/keys/aws-secret.ts';
import { openFileKeys } from '../../shared/keys/file-keys.ts';
import { readKeyFile } from '../../shared/keys/key-file.ts';
import { kmsKeys, kmsSigner } from '../../shared/keys/kms-keys.ts';
import { createSecrets, readOrMakeSecrets } from '../../shared/keys/secrets.ts';
import type { Keys } from '../../shared/ports/tokens.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { startKms } from '../engines/kms.ts';
import { startSecretsManager } from '../engines/secrets-manager.ts';
import { configOf } from '../keys/harness.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';
import { TEST_SECRET } from '../support/platform.ts';
import { perfect21 } from './support.ts';

vi.setConfig({ testTimeout: 60_000 });

const dataFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-rotation-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** Both halves of keys in KMS, as a process opens them. */
const openKmsKeys = async (list: string): Promise<Keys> => {
  const config = configOf({ KEYS_URL: `kms:${list}` });
  const [keys, signer] = [await kmsKeys.open({}, config), await kmsSigner.open({}, config)];
  onTestFinished(async () => {
    await keys.close?.();
    await signer.close?.();
  });
  return {
    verification: (kid) => keys.port.verification(kid),
    jwks: () => keys.port.jwks(),
    sign: (input) => signer.port.sign(input),
  };
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
});

test('of a key in KMS the next one is made there, of the same kind, and the three deployments that follow are named', async () => {
  const kms = await startKms();
  onTestFinished(kms.close);
  kms.add('old', 'ECC_NIST_P256');
  const env = { PERFECT21_DATA_DIR: dataFolder(), ...awsEnvironment({ KMS: kms.endpoint }) };
  const { code, rows } = await perfect21(['keys', 'rotate', '--json'], { ...env, KEYS_URL: 'kms:old' });
  const [{ present, next, publish, sign }] = rows;
  expect([code, publish, sign]).toEqual([0, `${present},${next}`, `${next},${present}`]);
  stubEnvironment(env);
  onTestFinished(() => void vi.unstubAllEnvs());
  const [before, published, after] = await Promise.all(['old', publish, sign].map(openKmsKeys));
  const signs = async (keys: Keys) => (await keys.sign(() => Buffer.from('x'))).kid;
  const kids = async (keys: Keys) => (await keys.jwks()).keys.map(({ kid }) => kid);
  const [old] = await kids(before!);
  const [, made] = await kids(published!);
  expect([await signs(before!), await signs(published!), await signs(after!)]).toEqual([old, old, made]);
  expect(await kids(after!)).toEqual([made, old]);
  expect(keysFault(sign)).toBeUndefined();
  const again = await perfect21(['keys', 'rotate'], { ...env, KEYS_URL: `kms:${publish}` });
  expect([again.code, again.err]).toEqual([1, expect.stringContaining('a rotation is under way')]);
  const none = await perfect21(['keys', 'rotate'], { ...env, KEYS_URL: 'kms:other' });
  expect([none.code, none.err]).toEqual([1, expect.stringMatching(/^[^\n]*KMS makes no key beside other[^\n]*\n$/)]);
});

describe('of a secret in Secrets Manager', () => {
  const ID = 'perfect21-test-platform';
  const start = async () => {
    const vault = await startSecretsManager({ [ID]: TEST_SECRET });
    onTestFinished(vault.close);
    const env = {
      PERFECT21_DATA_DIR: dataFolder(),
      PERFECT21_SECRET: `secretsmanager:${ID}`,
      ...awsEnvironment({ SECRETS_MANAGER: vault.endpoint }),
    };
    const held = () => secretsIn(vault.secrets[ID]!);
    return { vault, env, held, run: (...args: string[]) => perfect21(['secret', ...args, '--json'], env) };
  };

  test('the new one is added behind, then moved to the front, then alone; none of them is printed', async () => {
    const { env, held, run } = await start();
    const rotated = await run('rotate');
    const [old, fresh] = held();
    expect([rotated.code, old, held().length]).toEqual([0, TEST_SECRET, 2]);
    // functions of both kinds open what the others seal
    const [sealing, opening] = [createSecrets(TEST_SECRET), createSecrets(...held())];
    expect(opening.key('cursor')).toEqual(sealing.key('cursor'));
    for (const early of ['rotate', 'retire']) {
      const refused = await run(early);
      expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('a new secret waits')]);
    }
    const promoted = await run('promote');
    expect([promoted.code, held()]).toEqual([0, [fresh, old]]);
    expect((await run('promote')).err).toContain('no new secret waits');
    await perfect21(['migrate'], env);
    const retired = await run('retire');
    expect([retired.code, held()]).toEqual([0, [fresh]]);
    expect((await run('rotate')).code).toBe(0);
    expect(held()).toEqual([fresh, expect.not.stringMatching(TEST_SECRET)]);
    for (const { out, err } of [rotated, promoted, retired]) {
      for (const secret of [old, fresh]) expect(out + err).not.toContain(secret);
    }
  });

  test('two who add one at once add one: the slower is told', async () => {
    const { held, env } = await start();
    stubEnvironment(env);
    onTestFinished(() => void vi.unstubAllEnvs());
    const [one, other] = [await openAwsSecrets(ID), await openAwsSecrets(ID)];
    await one.replace([...one.held, 'o'.padEnd(40, 'ne')]);
    await expect(other.replace([...other.held, 't'.padEnd(40, 'wo')])).rejects.toThrow(/somebody else/);
    expect(held()).toHaveLength(2);
  });

  test('nothing is written while Secrets Manager is away, and one line says so', async () => {
    const { vault, held, run } = await start();
    vault.state.down = true;
    const { code, err } = await run('rotate');
    expect([code, err]).toEqual([1, expect.stringMatching(/^[^\n]*Secrets Manager is away: down\n$/)]);
    expect(held()).toEqual([TEST_SECRET]);
  });
});

test.each([
  ['arn:aws:kms:eu-central-1:123456789012:key/one,', true],
  ['kms:one', true],
  ['arn:aws:kms:eu-central-1:123456789012:key/one, arn:aws:kms:eu-central-1:123456789012:key/two', true],
  ['arn:aws:kms:eu-central-1:123456789012:key/one', false],
])('a deployment takes PERFECT21_SIGNING_KEYS=%s: %s is a fault', (arns, wrong) => {
  for (const fault of [keysFault, vaultFault]) expect(fault(arns) !== undefined).toBe(wrong);
  expect(keysFault({ 'Fn::GetAtt': ['SigningKey', 'Arn'] })).toBeUndefined();
});
