/** Codes of an authenticator app: HOTP (RFC 4226) over time (RFC 6238), SHA-1, six digits, 30 s. Pure. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds of a time step. */
const STEP = 30;
/** Steps before and after the present one that are taken: the clock of a phone may be off by that (RFC 6238 §5.2). */
export const DRIFT = 1;
/** RFC 4226 §4 R6 recommends 160 bits. */
export const SEED_BYTES = 20;
/** How long a code may still be shown to somebody, ms: it is good once during all that time. */
export const CODE_LIFE_MS = (2 * DRIFT + 1) * STEP * 1000;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 §6 without padding, as apps take it. @example base32(Buffer.from('foobar')) // 'MZXW6YTBOI' */
export const base32 = (bytes: Uint8Array): string => {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(value >> (bits - 5)) & 31];
  }
  return bits ? text + ALPHABET[(value << (5 - bits)) & 31] : text;
};

/** The code of a counter (RFC 4226 §5.3). */
export const hotp = (
  seed: Uint8Array,
  counter: number,
  { digits = 6, algorithm = 'sha1' }: { digits?: number; algorithm?: 'sha1' | 'sha256' | 'sha512' } = {},
): string => {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const digest = createHmac(algorithm, seed).update(message).digest();
  const offset = digest.at(-1)! & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits).padStart(digits, '0');
};

/** The time step of a moment, unix ms. */
export const stepOf = (now: number): number => Math.floor(now / 1000 / STEP);

/** The step that a code of six digits is of, among the present one and its neighbours; all are compared, in constant time. */
export const stepWithCode = (seed: Uint8Array, code: string, now: number): number | undefined => {
  if (!/^\d{6}$/.test(code)) return undefined;
  const given = Buffer.from(code);
  let found: number | undefined;
  for (let step = stepOf(now) - DRIFT; step <= stepOf(now) + DRIFT; step++) {
    if (step >= 0 && timingSafeEqual(Buffer.from(hotp(seed, step)), given)) found = step;
  }
  return found;
};

/** What an app reads from a QR code (Key Uri Format). `issuer` and `account` are shown to the user. */
export const otpauthUrl = (seed: Uint8Array, { issuer, account }: { issuer: string; account: string }): string => {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const facts = `issuer=${encodeURIComponent(issuer)}&algorithm=SHA1&digits=6&period=${STEP}`;
  return `otpauth://totp/${label}?secret=${base32(seed)}&${facts}`;
};
