/** Keys as JSON (RFC 7517): made, read strictly, shown in public. One algorithm belongs to a key, and the key says which. */
import { createPrivateKey, createPublicKey, generateKeyPair, hash, type JsonWebKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { VerificationKey } from '../ports/tokens.ts';

export type SigningAlg = VerificationKey['alg'];
export const SIGNING_ALGS: ReadonlySet<string> = new Set<SigningAlg>(['RS256', 'ES256', 'EdDSA']);
/** What a kid may look like; ours are RFC 7638 thumbprints. */
export const KID = /^[A-Za-z0-9_-]{1,64}$/;

const generate = promisify(generateKeyPair) as (type: string, options: object) => Promise<{ privateKey: KeyObject }>;
const GENERATE: Record<SigningAlg, () => Promise<{ privateKey: KeyObject }>> = {
  RS256: () => generate('rsa', { modulusLength: 2048 }),
  ES256: () => generate('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generate('ed25519', {}),
};

/** Whether a key may be used with an algorithm (RFC 7518 §3.3: RSA of at least 2048 bits; no weak exponent). */
const fits = (key: KeyObject, alg: SigningAlg): boolean => {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (alg === 'RS256') return type === 'rsa' && details!.modulusLength! >= 2048 && details!.publicExponent! >= 65537n;
  if (alg === 'ES256') return type === 'ec' && details!.namedCurve === 'prime256v1';
  return type === 'ed25519';
};

/** A public key object as a verification key, or undefined when it does not fit the algorithm. */
export const toVerificationKey = (kid: string, alg: string, key: KeyObject): VerificationKey | undefined =>
  SIGNING_ALGS.has(alg) && fits(key, alg as SigningAlg) ? { kid, alg: alg as SigningAlg, key } : undefined;

/**
 * Reads the public half of a JWK for verifying: `alg` must be one of ours and fit the key, `use` and `key_ops`, where
 * given, must allow it.
 *
 * @returns undefined for a key that can't be used
 */
export const readVerificationKey = (jwk: Record<string, unknown>): VerificationKey | undefined => {
  const { alg, kid, use, key_ops } = jwk;
  if (typeof alg !== 'string' || typeof kid !== 'string') return undefined;
  if (use !== undefined && use !== 'sig') return undefined;
  if (
    key_ops !== undefined &&
    !(Array.isArray(key_ops) && key_ops.some((each) => each === 'verify' || each === 'sign'))
  )
    return undefined;
  if (jwk.kty !== (alg === 'RS256' ? 'RSA' : alg === 'ES256' ? 'EC' : 'OKP')) return undefined;
  const { kty, n, e, crv, x, y } = jwk as JsonWebKey;
  try {
    return toVerificationKey(kid, alg, createPublicKey({ key: { kty, n, e, crv, x, y }, format: 'jwk' }));
  } catch {
    return undefined;
  }
};

/** The private key object of a private JWK. Throws what node:crypto throws. */
export const readPrivateKey = (jwk: JsonWebKey): KeyObject => createPrivateKey({ key: jwk, format: 'jwk' });

/** The kid of a public key: its RFC 7638 thumbprint, SHA-256. */
export const thumbprint = (key: KeyObject): string => {
  const { kty, n, e, crv, x, y } = key.export({ format: 'jwk' });
  // the required members and no others, in the order of their names (section 3.2)
  return hash('sha256', JSON.stringify({ crv, e, kty, n, x, y }), 'base64url');
};

/** Makes a new private key for an algorithm. */
export const generateJwk = async (alg: SigningAlg): Promise<{ kid: string; jwk: JsonWebKey }> => {
  const { privateKey } = await GENERATE[alg]();
  return { kid: await thumbprint(createPublicKey(privateKey)), jwk: privateKey.export({ format: 'jwk' }) };
};

/** A verification key as a member of a published JWK Set: public parts only. */
export const toPublicJwk = ({ kid, alg, key }: VerificationKey): Record<string, unknown> => ({
  ...key.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
});
