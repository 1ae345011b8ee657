import { createHmac } from 'node:crypto';
import type { Secrets } from '../ports/secrets.ts';

/**
 * The id of a counter of something about a person, which can't be read or guessed from the store: a keyed hash.
 *
 * @example counterKey(secrets, 'register', 'ada@example.org')
 */
export const counterKey = (secrets: Secrets, ...parts: readonly string[]): string =>
  createHmac('sha256', secrets.key('counter')).update(JSON.stringify(parts)).digest('base64url');
