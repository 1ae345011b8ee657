/**
 * Hashes that other systems made: what they are, and what checking one costs. An imported hash sets the cost of each try, so one
 * that asks for more than a second of a processor or 128 MiB is not taken.
 *
 * bcrypt (`$2a$`, `$2b$`, `$2y$`), scrypt (RFC 7914: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`), Firebase's scrypt
 * (`$firescrypt$ln=14,r=8,p=1$<salt>$<hash>$<salt separator>$<signer key>`), PBKDF2 (`$pbkdf2-sha256$i=600000$<salt>$<hash>`,
 * also with the bare number; Django's `pbkdf2_sha256$600000$<salt as text>$<hash>`).
 */
const MAX_BCRYPT_COST = 13;
/** N·r·p, and what N and r need of memory, in bytes. */
const MAX_SCRYPT_WORK = 2 ** 20;
const MAX_SCRYPT_MEMORY = 128 * 2 ** 20;
const MAX_ITERATIONS = 2_000_000;

type Digest = 'sha1' | 'sha256' | 'sha512';
interface Scrypt {
  N: number;
  r: number;
  p: number;
}

export type ForeignHash =
  | { kind: 'bcrypt'; hash: string }
  | { kind: 'scrypt'; cost: Scrypt; salt: Buffer; hash: Buffer }
  | { kind: 'firescrypt'; cost: Scrypt; salt: Buffer; hash: Buffer; separator: Buffer; signer: Buffer }
  | { kind: 'pbkdf2'; digest: Digest; iterations: number; salt: Buffer; hash: Buffer };

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const SCRYPT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([^$]+)\$([^$]+)$/;
const FIRESCRYPT = /^\$firescrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([^$]+)\$([^$]+)\$([^$]*)\$([^$]+)$/;
const PBKDF2 = /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d{1,8})(?:,l=\d{1,3})?\$([^$]+)\$([^$]+)$/;
const DJANGO = /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,8})\$([^$]{1,128})\$([^$]+)$/;

/** Base64 with or without padding, also passlib's, which writes `.` for `+`. Undefined for anything else. */
const bytesOf = (text: string, { min, max }: { min: number; max: number }): Buffer | undefined => {
  const plain = text.replaceAll('.', '+').replace(/={1,2}$/, '');
  if (!/^[A-Za-z0-9+/_-]*$/.test(plain)) return undefined;
  const bytes = Buffer.from(plain, 'base64');
  return bytes.length >= min && bytes.length <= max ? bytes : undefined;
};

const SALT = { min: 1, max: 128 };
const HASH = { min: 16, max: 128 };

const scryptCost = (ln: string, r: string, p: string): Scrypt | undefined => {
  const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p) };
  const fits =
    cost.N >= 2 &&
    cost.r >= 1 &&
    cost.p >= 1 &&
    cost.N * cost.r * cost.p <= MAX_SCRYPT_WORK &&
    128 * cost.N * cost.r <= MAX_SCRYPT_MEMORY;
  return fits ? cost : undefined;
};

/** Reads a hash of another system; undefined for one of no known form, or of too high a cost. */
export const parseForeign = (text: string): ForeignHash | undefined => {
  if (text.length > 1_024) return undefined;
  const bcrypt = BCRYPT.exec(text);
  if (bcrypt) {
    const cost = Number(bcrypt[1]);
    return cost >= 4 && cost <= MAX_BCRYPT_COST ? { kind: 'bcrypt', hash: text } : undefined;
  }
  const firescrypt = FIRESCRYPT.exec(text);
  if (firescrypt) {
    const [, ln, r, p, salt64, hash64, separator64, signer64] = firescrypt as unknown as string[];
    const cost = scryptCost(ln!, r!, p!);
    const [salt, hash] = [bytesOf(salt64!, SALT), bytesOf(hash64!, HASH)];
    const [separator, signer] = [bytesOf(separator64!, { min: 0, max: 16 }), bytesOf(signer64!, { min: 16, max: 128 })];
    const whole = cost && salt && hash && separator && signer;
    return whole ? { kind: 'firescrypt', cost, salt, hash, separator, signer } : undefined;
  }
  const scrypt = SCRYPT.exec(text);
  if (scrypt) {
    const [, ln, r, p, salt64, hash64] = scrypt as unknown as string[];
    const cost = scryptCost(ln!, r!, p!);
    const [salt, hash] = [bytesOf(salt64!, SALT), bytesOf(hash64!, HASH)];
    return cost && salt && hash ? { kind: 'scrypt', cost, salt, hash } : undefined;
  }
  const django = DJANGO.exec(text);
  const pbkdf2 = django ?? PBKDF2.exec(text);
  if (!pbkdf2) return undefined;
  const [, digest = 'sha1', rounds, salted, hash64] = pbkdf2 as unknown as [string, Digest?, string?, string?, string?];
  const iterations = Number(rounds);
  const salt = django ? Buffer.from(salted!) : bytesOf(salted!, SALT);
  const hash = bytesOf(hash64!, HASH);
  if (!salt || !hash || iterations < 1 || iterations > MAX_ITERATIONS) return undefined;
  return { kind: 'pbkdf2', digest, iterations, salt, hash };
};
