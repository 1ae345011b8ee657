/** ECDSA on P-256 over a digest made elsewhere, as KMS does it and node:crypto can't (it always hashes). For tests only. */
import { createECDH, type KeyObject } from 'node:crypto';

/** The order of the curve. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const mod = (value: bigint, by: bigint): bigint => ((value % by) + by) % by;
const invert = (value: bigint, by: bigint): bigint => {
  let [a, b, x, y] = [mod(value, by), by, 1n, 0n];
  while (a > 1n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
  return mod(x, by);
};
const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const derInteger = (value: bigint): Buffer => {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
  const content = bytes[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
  return Buffer.concat([Buffer.from([0x02, content.length]), content]);
};

/** A DER signature of a SHA-256 digest. */
export const signDigestP256 = (key: KeyObject, digest: Uint8Array): Buffer => {
  const secret = number(Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url'));
  // a number that is used once, and its point: 04, x, y
  const once = createECDH('prime256v1');
  const point = once.generateKeys();
  const r = mod(number(point.subarray(1, 33)), N);
  const s = mod(invert(number(once.getPrivateKey()), N) * (number(digest) + r * secret), N);
  const body = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
};
