import { describe, expect, test } from 'vitest';
import { toPublicJwk } from '../../shared/keys/jwk.ts';
import { COOLDOWN_MS, jwksKeys, noSigner, openJwksKeys, REFRESH_MS } from '../../shared/keys/jwks-keys.ts';
import { configOf, memoryKeys, TestClock, testLog } from './harness.ts';

const JWKS_URL = 'https://id.example.org/.well-known/jwks.json';

/** An issuer in a test's hands. */
const setUp = async (...kids: string[]) => {
  const [clock, log] = [new TestClock(), testLog()];
  const jwkOf = (kid: string) => toPublicJwk({ kid, alg: 'ES256', key: memoryKeys('ES256').publicKey });
  const issuer = {
    calls: 0,
    body: JSON.stringify({ keys: kids.map(jwkOf) }),
    status: 200,
    publish: (...names: string[]) => {
      issuer.body = JSON.stringify({ keys: names.map(jwkOf) });
    },
  };
  const keys = await openJwksKeys(JWKS_URL, { clock, log }, async () => {
    issuer.calls += 1;
    return { status: issuer.status, body: Buffer.from(issuer.body) };
  });
  return { clock, log, issuer, keys };
};

describe('keys of a JWK Set over HTTP', () => {
  test('are fetched once, and verify without a further call or a wait', async () => {
    const { keys, issuer } = await setUp('a', 'b');
    for (let n = 0; n < 5; n += 1) expect(keys.verification('a')).toMatchObject({ kid: 'a', alg: 'ES256' });
    expect((await keys.jwks()).keys.map(({ kid }) => kid)).toEqual(['a', 'b']);
    expect(issuer.calls).toBe(1);
  });

  test('that are new are found when a token names one, and strangers cost the issuer one call each ten seconds', async () => {
    const { keys, issuer, clock } = await setUp('a');
    issuer.publish('a', 'b');
    for (let n = 0; n < 100; n += 1) expect(await keys.verification(`stranger-${n}`)).toBeUndefined();
    expect(issuer.calls).toBe(1);
    clock.pass(COOLDOWN_MS);
    const found = await Promise.all(['b', 'nobody', 'b'].map((kid) => keys.verification(kid)));
    expect(found.map((key) => key?.kid)).toEqual(['b', undefined, 'b']);
    expect(issuer.calls).toBe(2);
  });

  test.each<[string, (issuer: { body: string; status: number }) => unknown]>([
    ['is away', (issuer) => Object.assign(issuer, { status: 503 })],
    ['answers no JSON', (issuer) => Object.assign(issuer, { body: '<html>' })],
    [
      'answers no key that verifies',
      (issuer) => Object.assign(issuer, { body: '{"keys":[null,{"kty":"oct","kid":"x"}]}' }),
    ],
    ['sends elsewhere', (issuer) => Object.assign(issuer, { status: 302 })],
    ['answers too many', (issuer) => Object.assign(issuer, { body: JSON.stringify({ keys: Array(101).fill({}) }) })],
  ])('stay the last good ones while the issuer %s, and it is told once', async (_, spoil) => {
    const { keys, issuer, clock, log } = await setUp('a');
    const good = issuer.body;
    spoil(issuer);
    for (let n = 0; n < 3; n += 1) {
      clock.pass(REFRESH_MS);
      await keys.jwks();
      expect(await keys.verification('a')).toMatchObject({ kid: 'a' });
    }
    expect(log.codes).toEqual(['keys.jwks_unreadable']);
    Object.assign(issuer, { status: 200, body: good });
    clock.pass(REFRESH_MS);
    await keys.jwks();
    expect(log.codes).toEqual(['keys.jwks_unreadable', 'keys.jwks_readable']);
  });

  test('that were withdrawn are gone with the next fetch', async () => {
    const { keys, issuer, clock } = await setUp('a', 'b');
    issuer.publish('b');
    clock.pass(REFRESH_MS);
    await keys.jwks();
    expect(await keys.verification('a')).toBeUndefined();
  });

  test('need not be there at the start: until then a check is unavailable', async () => {
    const { keys, issuer, clock } = await setUp();
    await expect(keys.verification('a')).rejects.toMatchObject({ code: 'unavailable' });
    issuer.publish('a');
    clock.pass(1_000);
    expect(await keys.verification('a')).toMatchObject({ kid: 'a' });
  });

  test('sign nothing: a process that would issue tokens says so at its start', async () => {
    const config = configOf({ KEYS_URL: JWKS_URL });
    expect(config.keys).toEqual({ source: 'jwks', url: JWKS_URL });
    expect(() => noSigner.open({}, config)).toThrow(/KEYS_URL names keys that only verify/);
    await expect(jwksKeys.open({} as any, configOf({}))).rejects.toThrow(/KEYS_URL names no JWK Set/);
  });
});
