import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  firstKey,
  isPublished,
  isRotationDue,
  JWKS_MAX_AGE,
  type NewKey,
  PUBLISH_LEAD_MS,
  pendingKey,
  RETIRE_AFTER_MS,
  ROTATE_AFTER_MS,
  rotate,
  type SigningKey,
  signingKey,
  withdraw,
} from '../../shared/keys/rotation.ts';

const T = Date.UTC(2026, 0, 1);
const key = (kid: string): NewKey => ({ kid, alg: 'ES256', jwk: { kty: 'EC' } });
const kidsPublished = (keys: SigningKey[], now: number) =>
  keys.filter((each) => isPublished(each, now)).map((each) => each.kid);

describe('key rotation', () => {
  test('the next key is published for an hour before it signs, and the last one verifies until its last token is over', () => {
    const keys = rotate(firstKey(key('a'), T), key('b'), T + 10);
    expect(kidsPublished(keys, T + 10)).toEqual(['a', 'b']);
    const signs = T + 10 + PUBLISH_LEAD_MS;
    expect(signingKey(keys, signs - 1)?.kid).toBe('a');
    expect(signingKey(keys, signs)?.kid).toBe('b');
    expect(kidsPublished(keys, signs + RETIRE_AFTER_MS - 1)).toEqual(['a', 'b']);
    expect(kidsPublished(keys, signs + RETIRE_AFTER_MS)).toEqual(['b']);
  });

  test('a rotation under way is not overtaken by another', () => {
    const keys = rotate(firstKey(key('a'), T), key('b'), T);
    expect(rotate(keys, key('c'), T + 1)).toEqual(keys);
    expect(pendingKey(keys, T + 1)?.kid).toBe('b');
  });

  test('a key is due after 90 days or when another algorithm is wanted, unless the next one waits', () => {
    const keys = firstKey(key('a'), T);
    expect(isRotationDue(keys, T + ROTATE_AFTER_MS - 1)).toBe(false);
    expect(isRotationDue(keys, T + ROTATE_AFTER_MS)).toBe(true);
    expect(isRotationDue(keys, T, 'RS256')).toBe(true);
    expect(isRotationDue(rotate(keys, key('b'), T), T, 'RS256')).toBe(false);
  });

  test('a withdrawn key is gone at once, and what is left signs', () => {
    const keys = rotate(firstKey(key('a'), T), key('b'), T);
    const withoutSigner = withdraw(keys, 'a', key('c'), T + 1);
    expect(kidsPublished(withoutSigner, T + 1)).toEqual(['b']);
    expect(signingKey(withoutSigner, T + 1)?.kid).toBe('b');
    const withoutNext = withdraw(keys, 'b', key('c'), T + 1);
    expect(signingKey(withoutNext, T + ROTATE_AFTER_MS)?.kid).toBe('a');
    expect(signingKey(withdraw(firstKey(key('a'), T), 'a', key('c'), T), T)?.kid).toBe('c');
  });

  test('whenever it rotates: some key signs, each token outlives no key, and no cache misses a signer', () => {
    const hours = fc.array(fc.integer({ min: 0, max: 5 * 3600 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(hours, (waits) => {
        let keys = firstKey(key('k0'), T);
        let now = T;
        const born = new Map([['k0', Number.NEGATIVE_INFINITY]]);
        const tokens: { kid: string; until: number }[] = [];
        waits.forEach((wait, index) => {
          now += wait * 1000;
          const signer = signingKey(keys, now)!;
          expect(now - born.get(signer.kid)!).toBeGreaterThanOrEqual(JWKS_MAX_AGE * 1000);
          tokens.push({ kid: signer.kid, until: now + 900_000 });
          for (const token of tokens) if (now < token.until) expect(kidsPublished(keys, now)).toContain(token.kid);
          const before = keys.length;
          keys = rotate(keys, key(`k${index + 1}`), now);
          if (keys.some(({ kid }) => kid === `k${index + 1}`)) born.set(`k${index + 1}`, now);
          expect(keys.length).toBeLessThanOrEqual(Math.max(before + 1, 4));
        });
      }),
    );
  });
});
