import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { identifierKey } from '../../functions/users/model.ts';
import { issueToken, userOfToken } from '../../functions/users/one-time-token.ts';

const of = (random: (bytes?: number) => string, user_id: string): string =>
  issueToken(
    { uuid: randomUUID, random },
    'verify_email' as never,
    { user_id, email: 'ada@example.org', generation: 1 },
    undefined,
    1,
  ).token;

describe('the token of a link', () => {
  test('never ends in what a mail program takes for the end of a sentence', () => {
    const user = randomUUID();
    for (let last = 0; last < 256; last += 1) {
      const bytes = randomBytes(32).fill(last, 31);
      const token = of(() => bytes.toString('base64url'), user);
      expect(token).toMatch(/[A-Za-z0-9]$/);
      expect(userOfToken(token)).toBe(user);
    }
  });
});

test('a space around a user name or an address is not meant', () => {
  expect(identifierKey(' ada.l ')).toBe('username:ada.l');
  expect(identifierKey(' Ada@Example.org ')).toBe('email:ada@example.org');
  expect(identifierKey('ada l')).toBeUndefined();
});
