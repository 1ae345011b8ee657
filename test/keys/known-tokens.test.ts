import { expect, test } from 'vitest';
import { RevocationSet } from '../../shared/keys/revocation-set.ts';
import { createVerifier } from '../../shared/keys/verifier.ts';
import { claims, header, ISSUER, memoryKeys, TestClock } from './harness.ts';

test('a token that ends as a known one does is not taken for it, and does not push it out', async () => {
  const clock = new TestClock();
  const pair = memoryKeys('RS256');
  const live = new RevocationSet();
  const revocations = { find: (of: any) => live.find(of), learn: () => {} };
  const verifier = createVerifier({ keys: pair.keys, clock, revocations }, { issuer: ISSUER, audience: 'perfect21' });
  const known = pair.mint(header('RS256'), claims(clock.seconds));
  expect((await verifier.verify(known)).valid).toBe(true);

  const other = pair.mint(header('RS256'), { ...claims(clock.seconds), sub: 'user-2' });
  const forged = `${other.slice(0, other.lastIndexOf('.'))}${known.slice(known.lastIndexOf('.'))}`;
  expect(await verifier.verify(forged)).toEqual({ valid: false, error: 'bad_signature' });
  expect(await verifier.verify(known.slice(-43))).toEqual({ valid: false, error: 'malformed' });
  expect(await verifier.verify(known)).toMatchObject({ valid: true, claims: { sub: 'user-1' } });
});
