import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { kmsVault } from '../../shared/keys/kms-vault.ts';
import { createSecrets } from '../../shared/keys/secrets.ts';
import { createVault } from '../../shared/keys/vault.ts';
import { keyOf, type Vault } from '../../shared/ports/vault.ts';
import { startKms } from '../engines/kms.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';
import { configOf, TestClock } from './harness.ts';

const SECRET = 'k3Jv0m8sQp2LxW9tZr5YhN7cBf1GdA4u';
const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/seeds';
let kms: Awaited<ReturnType<typeof startKms>>;
let clock: TestClock;
beforeEach(async () => {
  kms = await startKms();
  for (const id of ['seeds', 'seeds-2', ARN]) kms.addSymmetric(id);
  clock = new TestClock();
  stubEnvironment(awsEnvironment({ KMS: kms.endpoint }));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await kms.close();
});

const open = async (VAULT: string): Promise<Vault> => {
  const { port, close } = await kmsVault.open({ secrets: createSecrets(SECRET), clock }, configOf({ VAULT }));
  onTestFinished(async () => close?.());
  return port;
};

test('each text has a data key of its own, which opens it for its user and for nobody else', async () => {
  const vault = await open('kms:seeds');
  const sealed = await vault.seal('seed', 'totp u1');
  expect(await vault.open(sealed, 'totp u1')).toEqual({ plain: 'seed', former: false });
  expect(await vault.open(sealed, 'totp u2')).toBeUndefined();
  const other = await vault.seal('other', 'totp u2');
  const [name, , content] = sealed.split('.');
  // another's data key beside it, and no data key at all
  for (const broken of [`${name}.${other.split('.')[1]}.${content}`, `${name}..${content}`, `${name}.x`, '', 'x'])
    expect(await vault.open(broken, 'totp u1')).toBeUndefined();
  await expect(createVault(createSecrets(SECRET)).open(sealed, 'totp u1')).resolves.toBeUndefined();
});

test('KMS is asked once for what is opened again within minutes, and anew after that', async () => {
  const vault = await open('kms:seeds');
  const sealed = await vault.seal('seed', 'totp u1');
  for (let n = 0; n < 5; n++) await vault.open(sealed, 'totp u1');
  expect(kms.state.calls).toMatchObject({ GenerateDataKey: 1, Decrypt: 1 });
  clock.pass(300_001);
  await vault.open(sealed, 'totp u1');
  expect(kms.state.calls.Decrypt).toBe(2);
});

test('a newer key seals; what older ones and the master secrets sealed opens, and is to be sealed anew', async () => {
  const [before, derived] = [await open('kms:seeds'), createVault(createSecrets(SECRET))];
  const old = [await before.seal('seed', 'totp u1'), await derived.seal('seed', 'totp u1')];
  const vault = await open('kms:seeds-2,seeds');
  for (const each of old) expect(await vault.open(each, 'totp u1')).toEqual({ plain: 'seed', former: true });
  expect(vault.former).toEqual(old.map(keyOf));
  const sealed = await vault.seal('seed', 'totp u1');
  expect(await vault.open(sealed, 'totp u1')).toEqual({ plain: 'seed', former: false });
  expect(await (await open('kms:seeds-2')).open(old[0]!, 'totp u1')).toBeUndefined();
});

test('keys are named by their ARNs as well', async () => {
  const sealed = await (await open(ARN)).seal('seed', 'totp u1');
  expect(await (await open(`kms:seeds-2,${ARN}`)).open(sealed, 'totp u1')).toEqual({ plain: 'seed', former: true });
});

test('while KMS is away nothing is sealed and nothing opens, and that is said', async () => {
  const vault = await open('kms:seeds');
  const sealed = await vault.seal('seed', 'totp u1');
  kms.state.down = true;
  await expect(vault.seal('seed', 'totp u1')).rejects.toMatchObject({ code: 'unavailable' });
  await expect(vault.open(sealed, 'totp u1')).rejects.toMatchObject({ code: 'unavailable' });
  kms.state.down = false;
  expect(await vault.open(sealed, 'totp u1')).toMatchObject({ plain: 'seed' });
});

test('a setting that names no key stops the start', async () => {
  for (const wrong of ['kms:', 'kms: , ', 'aws:seeds'])
    await expect(open(wrong)).rejects.toThrow(/VAULT names no vault/);
});
