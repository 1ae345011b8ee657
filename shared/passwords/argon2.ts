/** The Passwords port over an argon2id engine: what is the same whichever engine does the work. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Passwords } from '../ports/passwords.ts';
import { bounded } from './bounded.ts';
import { parseForeign } from './foreign-hash.ts';
import { type Argon2Parameters, HASH_LENGTH, PARAMETERS, QUEUE_LENGTH, SALT_LENGTH } from './parameters.ts';
import { formatPhc, type Phc, parsePhc } from './phc.ts';

/** Argon2id (RFC 9106, version 0x13) as an engine offers it. */
export type Derive = (
  password: Uint8Array,
  salt: Uint8Array,
  parameters: Argon2Parameters,
  length: number,
) => Promise<Uint8Array>;

/** Checks a password against a hash of another system. */
export type Foreign = (password: string, hash: string) => Promise<boolean>;

/** On this thread: in a function, which does one thing at a time. */
const here: Foreign = async (password, hash) => (await import('./foreign-hash.heavy.ts')).verifyForeign(password, hash);

/** The bytes that are hashed: NFKC, so that a password typed on another system is the same one (SP 800-63B-4 §3.1.1.2). */
const bytesOf = (password: string): Uint8Array => Buffer.from(password.normalize('NFKC'), 'utf8');

/** What nobody's password hashes to: stands in where there is no hash, or none that can be read. */
const nobody = (): Phc => ({
  parameters: PARAMETERS,
  salt: randomBytes(SALT_LENGTH),
  hash: randomBytes(HASH_LENGTH),
});

/**
 * Passwords by an engine that is handed `at_once` hashes at a time (as many as the machine has processors when left out),
 * 256 waiting; more are refused with `too_many_requests`. `waiting` hears how many do.
 */
export const createPasswords = (
  derive: Derive,
  at_once = availableParallelism(),
  foreign: Foreign = here,
  waiting?: (count: number) => void,
): Passwords => {
  const gate = bounded(at_once, QUEUE_LENGTH, waiting);
  const dummy = nobody();
  return {
    hash: (password) =>
      gate(async () => {
        const salt = randomBytes(SALT_LENGTH);
        const hash = await derive(bytesOf(password), salt, PARAMETERS, HASH_LENGTH);
        return formatPhc({ parameters: PARAMETERS, salt, hash });
      }),
    verify: (password, phc) =>
      gate(async () => {
        if (phc !== undefined && parseForeign(phc)) return foreign(password, phc);
        const stored = phc === undefined ? undefined : parsePhc(phc);
        const { parameters, salt, hash } = stored ?? dummy;
        const derived = await derive(bytesOf(password), salt, parameters, hash.length);
        return timingSafeEqual(derived, hash) && stored !== undefined;
      }),
    reads: (hash) => parsePhc(hash) !== undefined || parseForeign(hash) !== undefined,
    needsRehash: (phc) => {
      const { parameters, hash } = parsePhc(phc) ?? {};
      if (!parameters || !hash) return true;
      const { memory, passes } = parameters;
      // more memory with fewer passes is as strong as the product says
      return (
        memory < PARAMETERS.memory ||
        memory * passes < PARAMETERS.memory * PARAMETERS.passes ||
        hash.length < HASH_LENGTH
      );
    },
  };
};
