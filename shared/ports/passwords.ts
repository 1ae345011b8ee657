/** Password hashing: argon2id in PHC strings, bounded in parallel (AppError `too_many_requests` past the queue). */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** False for a wrong password. With no hash at all it does the same work and answers false, so that time tells nothing. */
  verify(password: string, phc: string | undefined): Promise<boolean>;
  /** True when the hash was made with weaker parameters than today's. */
  needsRehash(phc: string): boolean;
}
