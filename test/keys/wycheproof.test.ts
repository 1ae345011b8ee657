import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readVerificationKey } from '../../shared/keys/jwk.ts';
import { parseJws, verifyJws } from '../../shared/keys/jws.ts';
import { createVerifier } from '../../shared/keys/verifier.ts';
import type { Keys } from '../../shared/ports/tokens.ts';
import { ISSUER, TestClock } from './harness.ts';

interface Group {
  comment: string;
  private?: any;
  public?: any;
  tests: { tcId: number; comment: string; jws: unknown; result: 'valid' | 'invalid' }[];
}
const groupsOf = (file: string): Group[] =>
  JSON.parse(readFileSync(new URL(`../vectors/wycheproof/${file}`, import.meta.url), 'utf8')).testGroups;
const signatures = groupsOf('json_web_signature_test.json');
const keySets = groupsOf('json_web_key_test.json');

/** As tokens: a JSON serialization arrives as its text. */
const tokenOf = (jws: unknown): string => (typeof jws === 'string' ? jws : JSON.stringify(jws));
const keysOf = (group: Group): any[] => {
  const half = group.public ?? group.private;
  return half.keys ?? [half];
};

/** A verifier that publishes whatever it can read of a group's keys, under every kid that is asked for. */
const verifierOf = (group: Group) => {
  const published = keysOf(group)
    .map(readVerificationKey)
    .filter((key) => key !== undefined);
  const keys = { verification: (kid: string) => published.find((key) => key.kid === kid) ?? published[0] } as Keys;
  return createVerifier(
    { keys, revocations: { find: () => undefined, learn: () => {} }, clock: new TestClock() },
    { issuer: ISSUER, audience: 'perfect21' },
  );
};

/** A JWS library made of our parts: the key of the header's kid, else the only one. */
const accepts = (group: Group, token: string): boolean => {
  const jws = parseJws(token);
  if (!jws) return false;
  return keysOf(group).some((jwk) => {
    if (jwk.kty === 'oct') {
      const mac = createHmac('sha256', Buffer.from(jwk.k, 'base64url')).update(jws.signed).digest();
      return jws.header.alg === 'HS256' && mac.length === jws.signature.length && timingSafeEqual(mac, jws.signature);
    }
    const key = readVerificationKey(jwk);
    return key !== undefined && verifyJws(jws, key);
  });
};

/** Valid there, refused here for a reason. */
const STRICTER = new Map([
  [259, 'the payload is empty, which no token of ours is'],
  [372, 'a character outside the alphabet stands in the header (RFC 7515 §2 allows none)'],
  [373, 'a character outside the alphabet stands in the payload'],
]);
/** Refused there for a reason that a key file of our own making can't have. */
const NOT_OURS = new Set(['jws_rsa_roca_key']);
/** Marked invalid, but the padding that should make them so was lost: byte for byte they are case 357, which is valid. */
const SAME_AS_357 = new Set([367, 370]);
const supported = ({ alg }: any): boolean => alg === undefined || ['RS256', 'ES256', 'HS256'].includes(alg);

describe('wycheproof', () => {
  test('none of the 427 tokens, valid or not, passes for an access token', async () => {
    let seen = 0;
    for (const group of [...signatures, ...keySets]) {
      const verifier = verifierOf(group);
      for (const { jws, tcId } of group.tests) {
        expect(await verifier.verify(tokenOf(jws)), `case ${tcId}`).toMatchObject({ valid: false });
        seen += 1;
      }
    }
    expect(seen).toBe(427);
  });

  test.each(
    signatures.filter((group) => keysOf(group).every(supported)).map((group) => [group.comment, group] as const),
  )('signatures of %s are told apart as they should be', (_, group) => {
    for (const { tcId, comment, jws, result } of group.tests) {
      const doubtful = SAME_AS_357.has(tcId);
      if (doubtful) expect(jws).toBe(group.tests.find((each) => each.tcId === 357)?.jws);
      const wanted = doubtful || (result === 'valid' && !STRICTER.has(tcId));
      expect(accepts(group, tokenOf(jws)), `case ${tcId} ${comment}`).toBe(wanted);
    }
  });

  test('keys that are weak, for another use or not what they say verify nothing', () => {
    for (const group of keySets) {
      if (NOT_OURS.has(group.comment) || keysOf(group).some(({ kty }) => kty === 'oct')) continue;
      for (const { tcId, comment, jws, result } of group.tests) {
        expect(accepts(group, tokenOf(jws)), `case ${tcId} ${comment}`).toBe(result === 'valid');
      }
    }
  });
});
