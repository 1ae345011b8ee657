/** A small double of AWS KMS for asymmetric signing: the JSON 1.1 protocol, Sign and GetPublicKey, real keys. */
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const PREFIX = Buffer.from('3031300d060960864801650304020105000420', 'hex');
const SPECS = {
  RSA_2048: {
    algorithms: ['RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PSS_SHA_256'],
    pair: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  },
  ECC_NIST_P256: { algorithms: ['ECDSA_SHA_256'], pair: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  ECC_NIST_EDWARDS25519: { algorithms: ['ED25519_SHA_512'], pair: () => generateKeyPairSync('ed25519') },
  ECC_SECG_P256K1: { algorithms: ['ECDSA_SHA_256_K'], pair: () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }) },
} as const;
type Spec = keyof typeof SPECS;

const fault = (type: string, message: string) => Object.assign(new Error(message), { type });

/** RSASSA-PKCS1-v1_5 over a digest that was made elsewhere: RSA over the DigestInfo (RFC 8017 §9.2). */
const signDigest = async (key: KeyObject, spec: Spec, digest: Buffer): Promise<Buffer> => {
  if (digest.length !== 32) throw fault('ValidationException', 'Digest is invalid length for algorithm');
  const { privateEncrypt } = await import('node:crypto');
  if (spec === 'RSA_2048') {
    return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.concat([PREFIX, digest]));
  }
  return ecdsaOverDigest(key, digest);
};

/** node:crypto always hashes for ECDSA; WebCrypto does, too. So the double learns the message from its digest. */
const messages = new Map<string, Buffer>();
/** Tells the double which message a digest stands for. */
export const announce = (digest: Uint8Array, message: Uint8Array): void => {
  messages.set(Buffer.from(digest).toString('hex'), Buffer.from(message));
};
const ecdsaOverDigest = (key: KeyObject, digest: Buffer): Buffer => {
  const message = messages.get(digest.toString('hex'));
  if (!message) throw fault('ValidationException', 'the double does not know the message of this digest');
  return sign('sha256', message, key);
};
export const unused = signDigest;
