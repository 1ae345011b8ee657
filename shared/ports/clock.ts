/** Time. Everything that asks what time it is asks this, so that a test can set it. */
export interface Clock {
  /** Unix milliseconds, whole. */
  now(): number;
}

/** Ids and randomness. */
export interface Ids {
  /** A UUIDv7 (RFC 9562): sorts by the time it was made, also within one millisecond of one process. */
  uuid(): string;
  /** Cryptographically random bytes as base64url; 32 bytes unless told. */
  random(bytes?: number): string;
}
