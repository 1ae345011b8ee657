/** What an authenticator signs (WebAuthn Level 3, section 6.1), and the key of a new credential (RFC 9052, section 7). */
import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { type Cbor, NotCbor, readCbor } from './cbor.ts';

/** COSE algorithms that are offered, the best first: Ed25519, ECDSA on P-256, RSA with SHA-256. */
export const ALGORITHMS = [-8, -7, -257] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** WebAuthn, section 7.1: longer ids are refused. */
const LONGEST_ID = 1_023;
const [FEWEST_RSA_BITS, MOST_RSA_BITS] = [2_048, 4_096];

const FLAG = { present: 1, verified: 4, eligible: 8, backed_up: 16, attested: 64, extensions: 128 } as const;

export interface AuthenticatorData {
  /** SHA-256 of the relying party's id, 32 bytes. */
  rp_id_hash: Uint8Array;
  /** Somebody touched it; the authenticator knows who it was. */
  present: boolean;
  verified: boolean;
  /** The credential may be copied to other devices, and is. */
  eligible: boolean;
  backed_up: boolean;
  /** Signatures so far; 0 always where an authenticator does not count. */
  counter: number;
  /** Of a new credential. */
  credential?: { id: Uint8Array; key: CredentialKey };
}

export interface CredentialKey {
  algorithm: Algorithm;
  key: KeyObject;
}

const text = (value: Cbor): string => {
  if (!(value instanceof Uint8Array)) throw new NotCbor('a part of the key is missing');
  return Buffer.from(value).toString('base64url');
};

const jwkOf = (cose: Map<number | string, Cbor>): JsonWebKey | undefined => {
  const [kind, algorithm, curve] = [cose.get(1), cose.get(3), cose.get(-1)];
  if (kind === 1 && algorithm === -8 && curve === 6) return { kty: 'OKP', crv: 'Ed25519', x: text(cose.get(-2)) };
  if (kind === 2 && algorithm === -7 && curve === 1)
    return { kty: 'EC', crv: 'P-256', x: text(cose.get(-2)), y: text(cose.get(-3)) };
  if (kind === 3 && algorithm === -257) return { kty: 'RSA', n: text(cose.get(-1)), e: text(cose.get(-2)) };
  return undefined;
};

/** @throws Error for a key that is none, or of an algorithm that was not offered */
const keyOf = (cose: Cbor): CredentialKey => {
  const jwk = cose instanceof Map ? jwkOf(cose) : undefined;
  if (!jwk) throw new NotCbor('a key of a kind that was not offered');
  // a point that is not on its curve is no key
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const { modulusLength = FEWEST_RSA_BITS, publicExponent = 65_537n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < FEWEST_RSA_BITS || modulusLength > MOST_RSA_BITS || publicExponent < 3n) {
    throw new NotCbor('an RSA key of a length that is not taken');
  }
  return { algorithm: (cose as Map<number, Cbor>).get(3) as Algorithm, key };
};

/**
 * Reads authenticator data, every byte of it.
 *
 * @throws Error for what is none
 */
export const readAuthenticatorData = (bytes: Uint8Array): AuthenticatorData => {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (data.length < 37) throw new NotCbor('it is too short');
  const flags = data.readUInt8(32);
  const has = (flag: keyof typeof FLAG): boolean => (flags & FLAG[flag]) !== 0;
  let at = 37;
  let credential: AuthenticatorData['credential'];
  if (has('attested')) {
    if (data.length < 55) throw new NotCbor('it is too short');
    const length = data.readUInt16BE(53);
    const id = data.subarray(55, 55 + length);
    if (length === 0 || length > LONGEST_ID || id.length < length)
      throw new NotCbor('an id of a length that is not taken');
    const cose = readCbor(data.subarray(55 + length));
    at = 55 + length + cose.length;
    credential = { id: new Uint8Array(id), key: keyOf(cose.value) };
  }
  if (has('extensions')) at += readCbor(data.subarray(at)).length;
  if (at !== data.length) throw new NotCbor('there is more than it says');
  if (has('backed_up') && !has('eligible')) throw new NotCbor('copied, and none that may be');
  return {
    rp_id_hash: new Uint8Array(data.subarray(0, 32)),
    present: has('present'),
    verified: has('verified'),
    eligible: has('eligible'),
    backed_up: has('backed_up'),
    counter: data.readUInt32BE(33),
    ...(credential && { credential }),
  };
};

/** Whether the signature of an assertion is of this key (WebAuthn, section 7.2, step 21). */
export const isSignedBy = ({ algorithm, key }: CredentialKey, signed: Uint8Array, signature: Uint8Array): boolean => {
  try {
    return verify(algorithm === -8 ? null : 'sha256', signed, key, signature);
  } catch {
    return false;
  }
};
