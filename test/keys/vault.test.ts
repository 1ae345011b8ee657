import { expect, test } from 'vitest';
import { createSealer } from '../../shared/keys/sealer.ts';
import { createSecrets } from '../../shared/keys/secrets.ts';
import { createVault } from '../../shared/keys/vault.ts';
import { keyOf } from '../../shared/ports/vault.ts';

const [OLD, NEW] = ['k3Jv0m8sQp2LxW9tZr5YhN7cBf1GdA4u', 'v9Qm2xTz7LpK4rWc8YsN1hJd6GbF3eRa'] as const;
const before = createVault(createSecrets(OLD));
const overlap = createVault(createSecrets(NEW, OLD));
const after = createVault(createSecrets(NEW));

test('a text opens for what it was sealed for, and for nothing else', async () => {
  const sealed = await before.seal('seed', 'totp u1');
  expect(await before.open(sealed, 'totp u1')).toEqual({ plain: 'seed', former: false });
  expect(await before.open(sealed, 'totp u2')).toBeUndefined();
  expect(await before.seal('seed', 'totp u1')).not.toBe(sealed);
  for (const broken of ['', 'x', `${sealed}A`, sealed.slice(0, -4), `.${sealed}`, `p1.${sealed.split('.')[1]}`])
    expect(await before.open(broken, 'totp u1')).toBeUndefined();
});

test('it has keys of its own: what travels through events opens nothing here', async () => {
  const sealer = createSealer(createSecrets(OLD));
  const text = sealer.seal('seed', 'totp u1').slice(3);
  const name = keyOf(await before.seal('x', 'y'));
  expect(await before.open(`${name}.${text}`, 'totp u1')).toBeUndefined();
});

test('beside a new secret it opens what the old one sealed, and says so; without the old one no more', async () => {
  const sealed = await before.seal('seed', 'totp u1');
  expect(await overlap.open(sealed, 'totp u1')).toEqual({ plain: 'seed', former: true });
  expect(overlap.former).toEqual([keyOf(sealed)]);
  expect(await after.open(sealed, 'totp u1')).toBeUndefined();
  expect(keyOf(await overlap.seal('seed', 'totp u1'))).not.toBe(keyOf(sealed));
});
