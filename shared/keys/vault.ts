/** The vault over keys that are derived from the master secrets: `<key>.<nonce, ciphertext and tag>`. */
import { createHash } from 'node:crypto';
import { adapter } from '../kit/adapter.ts';
import type { Secrets } from '../ports/secrets.ts';
import { keyOf, type Vault } from '../ports/vault.ts';
import { openWith, sealWith } from './aes-gcm.ts';

/** A key is known by a hash of it: a new master secret has another name by itself. */
const nameOf = (key: Uint8Array): string =>
  createHash('sha256').update('perfect21 vault').update(key).digest('base64url').slice(0, 12);

/** A vault that tells the names of all its keys, also of the newest. */
export type NamedVault = Vault & { readonly names: readonly string[] };

/** A vault under master secrets. @example await createVault(secrets).seal('seed', 'totp u1') */
export const createVault = (secrets: Secrets): NamedVault => {
  const keys = secrets.keys('vault').map((key) => ({ key, name: nameOf(key) }));
  const [newest, ...older] = keys as [(typeof keys)[number], ...typeof keys];
  return {
    seal: async (plain, of) => `${newest.name}.${sealWith(newest.key, plain, of)}`,
    open: async (sealed, of) => {
      const used = keys.find(({ name }) => name === keyOf(sealed));
      const plain = used && openWith(used.key, sealed.slice(used.name.length + 1), of);
      return plain === undefined ? undefined : { plain, former: used !== newest };
    },
    former: older.map(({ name }) => name),
    names: keys.map(({ name }) => name),
  };
};

export const vault = adapter({
  port: 'vault',
  needs: ['secrets'],
  open: ({ secrets }) => ({ port: createVault(secrets) }),
});
