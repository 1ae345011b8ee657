import type { Secrets } from '../ports/secrets.ts';
import { hmac } from './hmac.ts';

/**
 * The id of a counter of something about a person, which can't be read or guessed from the store: a keyed hash.
 *
 * @example counterKey(secrets, 'register', 'ada@example.org')
 */
export const counterKey = (secrets: Secrets, ...parts: readonly string[]): string =>
  hmac(secrets.key('counter'), JSON.stringify(parts)).toString('base64url');
