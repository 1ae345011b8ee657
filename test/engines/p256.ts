/** ECDSA on P-256 over a digest made elsewhere, as KMS does it and node:crypto can't (it always hashes). For tests only. */
import { type KeyObject, randomBytes } from 'node:crypto';

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
type Point = readonly [bigint, bigint] | undefined;
const G: Point = [
  0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
];

const mod = (value: bigint, by: bigint): bigint => ((value % by) + by) % by;
const invert = (value: bigint, by: bigint): bigint => {
  let [a, b, x, y] = [mod(value, by), by, 1n, 0n];
  while (a > 1n) [a, b, x, y] = [b % a, a, y - (b / a) * x, x];
  return mod(x, by);
};
const add = (a: Point, b: Point): Point => {
  if (!a || !b) return a ?? b;
  if (a[0] === b[0] && a[1] !== b[1]) return undefined;
  const slope =
    a[0] === b[0] ? (3n * a[0] * a[0] - 3n) * invert(2n * a[1], P) : (b[1] - a[1]) * invert(mod(b[0] - a[0], P), P);
  const x = mod(slope * slope - a[0] - b[0], P);
  return [x, mod(slope * (a[0] - x) - a[1], P)];
};
const multiply = (point: Point, by: bigint): Point => {
  let [sum, power]: [Point, Point] = [undefined, point];
  for (let left = by; left > 0n; left >>= 1n) {
    if (left & 1n) sum = add(sum, power);
    power = add(power, power);
  }
  return sum;
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
  const k = mod(number(randomBytes(40)), N - 1n) + 1n;
  const r = mod(multiply(G, k)![0], N);
  const s = mod(invert(k, N) * (number(digest) + r * secret), N);
  const body = Buffer.concat([derInteger(r), derInteger(s)]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
};
