/** Seeds of authenticator apps in the vault, each for its user. */
import type { Vault } from '../../shared/ports/vault.ts';

const forUser = (user_id: string): string => `totp ${user_id}`;

/** A seed as it is kept. */
export const sealSeed = (vault: Vault, user_id: string, seed: Uint8Array): Promise<string> =>
  vault.seal(Buffer.from(seed).toString('base64url'), forUser(user_id));

/** @throws Error when it was sealed elsewhere: the master secret is not the one that it was */
export const openSeed = async (vault: Vault, user_id: string, sealed: string): Promise<Uint8Array> => {
  const opened = await vault.open(sealed, forUser(user_id));
  if (!opened) throw new Error('the seed of a factor does not open: was its master secret retired?');
  return Buffer.from(opened.plain, 'base64url');
};
