/** JWS compact serialization (RFC 7515 §3.1), strict: what is not exactly that is refused before any cryptography. */
import { type KeyObject, sign, verify } from 'node:crypto';
import type { VerificationKey } from '../ports/tokens.ts';
import { decode, encode } from './base64url.ts';
import { parseObject } from './json-members.ts';
import type { SigningAlg } from './jwk.ts';
import { Recent } from './recent.ts';

/** Longer tokens are refused unread. */
export const MAX_TOKEN_LENGTH = 8192;
/** Header members that change what is signed, or bring a key along: none is understood here, so none is let through. */
const REFUSED = ['crit', 'b64', 'zip', 'cty', 'jwk', 'jku', 'x5u', 'x5c'];

/** Headers by their texts: tokens of one key have one. What a stranger sends costs others no more than reading theirs again. */
const headers = new Recent<string, Record<string, unknown>>(64);

const headerOf = (segment: string): Record<string, unknown> | undefined => {
  const known = headers.get(segment);
  if (known) return known;
  const bytes = decode(segment);
  const header = bytes && parseObject(bytes);
  if (!header || REFUSED.some((name) => Object.hasOwn(header, name))) return undefined;
  headers.set(segment, Object.freeze(header));
  return header;
};

export interface Jws {
  header: Record<string, unknown>;
  payload: Buffer;
  signature: Buffer;
  /** The bytes under the signature. */
  signed: Buffer;
}

/**
 * Takes a compact JWS apart: at most 8 KiB, three non-empty canonical base64url segments, a header that is a JSON
 * object without a member twice and without crit, b64, zip, cty, jwk, jku, x5u, x5c.
 *
 * @returns undefined for anything else
 */
export const parseJws = (token: string): Jws | undefined => {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  const first = token.indexOf('.');
  const second = token.indexOf('.', first + 1);
  if (second <= first + 1 || second === token.length - 1) return undefined;
  const header = headerOf(token.slice(0, first));
  const payload = header && decode(token.slice(first + 1, second));
  const signature = payload && decode(token.slice(second + 1));
  return signature && { header, payload, signature, signed: Buffer.from(token.slice(0, second), 'latin1') };
};

const hashOf = (alg: SigningAlg) => (alg === 'EdDSA' ? null : 'sha256');
const inputOf = (alg: SigningAlg, key: KeyObject) =>
  alg === 'ES256' ? ({ key, dsaEncoding: 'ieee-p1363' } as const) : key;

/** True if the header names exactly the key's algorithm and the signature is the key's. */
export const verifyJws = ({ header, signed, signature }: Jws, { alg, key }: VerificationKey): boolean =>
  header.alg === alg && verify(hashOf(alg), signed, inputOf(alg, key), signature);

/** The signature in JOSE's form (ES256: r and s side by side). */
export const signBytes = (alg: SigningAlg, key: KeyObject, bytes: Uint8Array): Buffer =>
  sign(hashOf(alg), bytes, inputOf(alg, key));

/** What is signed: header and payload, encoded. */
export const signingInput = (header: object, payload: object): string =>
  `${encode(JSON.stringify(header))}.${encode(JSON.stringify(payload))}`;
