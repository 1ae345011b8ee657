/** Checks a password against a hash that another system made. The work is done where it is called: on a thread, or in a function. */
import { createCipheriv, pbkdf2Sync, scryptSync, timingSafeEqual } from 'node:crypto';
import { compareSync, truncates } from 'bcryptjs';
import { parseForeign } from './foreign-hash.ts';

const same = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && timingSafeEqual(one, other);

const scrypt = (
  password: Buffer,
  salt: Buffer,
  length: number,
  { N, r, p }: { N: number; r: number; p: number },
): Buffer => scryptSync(password, salt, length, { N, r, p, maxmem: 256 * N * r + 2 ** 20 });

const matches = (password: Buffer, text: string): boolean => {
  const stored = parseForeign(text);
  switch (stored?.kind) {
    case 'bcrypt': {
      const typed = password.toString('utf8');
      // what it never looked at must not count as right
      return !truncates(typed) && compareSync(typed, stored.hash);
    }
    case 'scrypt':
      return same(scrypt(password, stored.salt, stored.hash.length, stored.cost), stored.hash);
    case 'firescrypt': {
      const salt = Buffer.concat([stored.salt, stored.separator]);
      const key = scrypt(password, salt, 64, stored.cost).subarray(0, 32);
      return same(createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(stored.signer), stored.hash);
    }
    case 'pbkdf2': {
      const { salt, iterations, hash, digest } = stored;
      return same(pbkdf2Sync(password, salt, iterations, hash.length, digest), hash);
    }
    default:
      return false;
  }
};

/** As it was typed, for that is what others hashed; then in the one form in which we would have hashed it. */
export const verifyForeign = (password: string, text: string): boolean => {
  const [typed, normal] = [password, password.normalize('NFKC')];
  return matches(Buffer.from(typed), text) || (normal !== typed && matches(Buffer.from(normal), text));
};
