/** Password hashing: argon2id in PHC strings, bounded in parallel (AppError `too_many_requests` past the queue). */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** False for a wrong password. With no hash at all it does the same work and answers false, so that time tells nothing. */
  verify(password: string, phc: string | undefined): Promise<boolean>;
  /** True for a hash that `verify` can check: ours, or one of another system whose cost is bounded (foreign-hash.ts). */
  reads(hash: string): boolean;
  /** True when the hash was made with weaker parameters than today's, or by another system. */
  needsRehash(phc: string): boolean;
}
