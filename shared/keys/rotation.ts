/**
 * When a signing key signs and how long it verifies, as pure functions: publish before sign, retire after the longest
 * token. Times are unix milliseconds.
 *
 *   created ── published, known to every cache after JWKS_MAX_AGE ── signs ── the next one signs ── retires
 */
import type { JsonWebKey } from 'node:crypto';
import { CLOCK_LEEWAY, MAX_LIFETIME } from './access-token.ts';
import type { SigningAlg } from './jwk.ts';

/** How long others may cache the JWK Set, seconds: its `Cache-Control: max-age`. */
export const JWKS_MAX_AGE = 3600;
/** How long a key is published before it signs. */
export const PUBLISH_LEAD_MS = JWKS_MAX_AGE * 1000;
/** How long a key verifies after the next one began to sign: the longest token, leeway, and a late cache. */
export const RETIRE_AFTER_MS = (MAX_LIFETIME + CLOCK_LEEWAY + JWKS_MAX_AGE) * 1000;
/** A signing key of this age is rotated by itself. */
export const ROTATE_AFTER_MS = 90 * 86_400_000;

export interface SigningKey {
  /** RFC 7638 thumbprint. */
  kid: string;
  alg: SigningAlg;
  /** The private key. */
  jwk: JsonWebKey;
  created_at: number;
  signs_from: number;
  /** From then on it neither verifies nor is published. */
  retires_at?: number;
}

/** What a new key consists of. */
export type NewKey = Pick<SigningKey, 'kid' | 'alg' | 'jwk'>;

/** True while tokens of this key may live. */
export const isPublished = ({ retires_at }: SigningKey, now: number): boolean =>
  retires_at === undefined || now < retires_at;

/** The key that signs now: the latest whose time has come. */
export const signingKey = (keys: readonly SigningKey[], now: number): SigningKey | undefined =>
  keys
    .filter((key) => key.signs_from <= now && isPublished(key, now))
    .sort((a, b) => b.signs_from - a.signs_from || (a.kid < b.kid ? -1 : 1))[0];

/** The key published but not signing yet, if a rotation is under way. */
export const pendingKey = (keys: readonly SigningKey[], now: number): SigningKey | undefined =>
  keys.find((key) => key.signs_from > now);

/** The first key of a set: nobody has cached a set without it, so it signs at once. */
export const firstKey = (next: NewKey, now: number): SigningKey[] => [{ ...next, created_at: now, signs_from: now }];

/**
 * Adds the next key: it signs when every cache knows it, and the present ones retire when their last token is over.
 * Keys that retired already are dropped. While a rotation is under way nothing changes.
 */
export const rotate = (keys: readonly SigningKey[], next: NewKey, now: number): SigningKey[] => {
  if (pendingKey(keys, now)) return [...keys];
  if (!signingKey(keys, now)) return [...keys.filter((key) => isPublished(key, now)), ...firstKey(next, now)];
  const signs_from = now + PUBLISH_LEAD_MS;
  return [
    ...keys
      .filter((key) => isPublished(key, now))
      .map((key) => ({ ...key, retires_at: key.retires_at ?? signs_from + RETIRE_AFTER_MS })),
    { ...next, created_at: now, signs_from },
  ];
};

/**
 * Takes a key out at once, for one that was disclosed: its tokens are refused from now on. When none is left that
 * signs, the pending one or else `next` begins at once.
 */
export const withdraw = (keys: readonly SigningKey[], kid: string, next: NewKey, now: number): SigningKey[] => {
  const rest = keys.filter((key) => key.kid !== kid && isPublished(key, now));
  // with the disclosed one gone, the newest stays until it is rotated
  const newest = rest.toSorted((a, b) => b.signs_from - a.signs_from)[0];
  if (!newest) return firstKey(next, now);
  return rest.map((key) =>
    key === newest
      ? {
          kid: key.kid,
          alg: key.alg,
          jwk: key.jwk,
          created_at: key.created_at,
          signs_from: Math.min(key.signs_from, now),
        }
      : key,
  );
};

/** True when the signing key is old, or of another algorithm than wanted, and no next one waits. */
export const isRotationDue = (keys: readonly SigningKey[], now: number, wanted?: SigningAlg): boolean => {
  if (pendingKey(keys, now)) return false;
  const current = signingKey(keys, now);
  return !current || now - current.signs_from >= ROTATE_AFTER_MS || (wanted !== undefined && current.alg !== wanted);
};
