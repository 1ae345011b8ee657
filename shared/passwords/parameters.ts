/**
 * The cost of a password hash, in one place.
 *
 * argon2id with 19 MiB, two passes and one lane: the OWASP Password Storage Cheat Sheet's first choice by memory, and
 * what RFC 9106 allows. Each hash in progress holds 19 MiB. When these rise, `needsRehash` says so for older hashes.
 */
export interface Argon2Parameters {
  /** KiB. */
  memory: number;
  passes: number;
  parallelism: number;
}

export const PARAMETERS: Argon2Parameters = { memory: 19_456, passes: 2, parallelism: 1 };
/** Bytes. */
export const SALT_LENGTH = 16;
export const HASH_LENGTH = 32;

/** What a stored hash may ask of us: a PHC string out of an import must not be able to exhaust the machine. */
export const BOUNDS = {
  memory: { min: 8, max: 131_072 },
  passes: { min: 1, max: 10 },
  parallelism: { min: 1, max: 8 },
  salt: { min: 8, max: 64 },
  hash: { min: 16, max: 64 },
} as const;

/** Hashes that may wait for their turn; more are refused. */
export const QUEUE_LENGTH = 256;
