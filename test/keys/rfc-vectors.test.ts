import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readVerificationKey } from '../../shared/keys/jwk.ts';
import { parseJws, verifyJws } from '../../shared/keys/jws.ts';
import { createVerifier } from '../../shared/keys/verifier.ts';
import type { Keys } from '../../shared/ports/tokens.ts';
import { TestClock } from './harness.ts';

const read = (file: string) => JSON.parse(readFileSync(new URL(`../vectors/rfc/${file}`, import.meta.url), 'utf8'));
const { examples } = read('rfc7515-7519-8037.json') as { examples: any[] };
const cookbook = read('rfc7520-cookbook.json').files as Record<string, any>;

/** A verifier for which the example's issuer and key are its own. */
const verifierFor = (jwk: any, alg: string) => {
  const key = jwk && readVerificationKey({ ...jwk, alg, kid: 'example' });
  return createVerifier(
    {
      keys: { verification: () => key } as unknown as Keys,
      revocations: { find: () => undefined, learn: () => {} },
      clock: new TestClock(),
    },
    { issuer: 'joe', audience: 'perfect21' },
  );
};

describe('RFC examples', () => {
  test.each(examples.filter(({ alg }) => ['RS256', 'ES256', 'EdDSA'].includes(alg)).map((each) => [each.id, each]))(
    '%s has a good signature, and none for another example',
    (_, { jwk, alg, token }) => {
      const key = readVerificationKey({ ...jwk, alg, kid: 'example' })!;
      expect(verifyJws(parseJws(token)!, key)).toBe(true);
      for (const other of examples) {
        if (other.token !== token)
          expect(verifyJws(parseJws(other.token) ?? parseJws(`${other.token}AA`)!, key)).toBe(false);
      }
    },
  );

  test.each([
    ['rfc7515-A.1', 'expired'],
    ['rfc7515-A.2', 'expired'],
    ['rfc7515-A.3', 'expired'],
    ['rfc7515-A.4', 'malformed'],
    ['rfc7515-A.5/rfc7519-6.1', 'malformed'],
    ['rfc8037-A.4', 'malformed'],
  ])('%s, of our issuer, is refused as %s', async (id, error) => {
    const { jwk, alg, token } = examples.find((each) => each.id === id);
    expect(await verifierFor(jwk, alg).verify(token)).toEqual({ valid: false, error });
  });

  test('the RS256 and Ed25519 examples of the cookbook verify; all its compact tokens are refused as access tokens', async () => {
    const verified: string[] = [];
    for (const [name, { input, output }] of Object.entries(cookbook)) {
      if (!output?.compact || !input?.alg) continue;
      const token: string = output.compact;
      const jws = parseJws(token);
      const key = readVerificationKey({ ...input.key, alg: input.alg, kid: 'example' });
      if (jws && key && verifyJws(jws, key)) verified.push(name);
      expect(await verifierFor(input.key, input.alg).verify(token)).toMatchObject({ valid: false });
    }
    expect(verified).toEqual(['curve25519/jws.json', 'jws/4_1.rsa_v15_signature.json']);
  });

  test('b64=false (RFC 7797) is refused before its signature is looked at', () => {
    expect(parseJws(cookbook['rfc7797/hmac-sha2_b64_false.json'].output.compact)).toBeUndefined();
  });
});
