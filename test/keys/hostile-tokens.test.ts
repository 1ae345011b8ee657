import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode } from '../../shared/keys/base64url.ts';
import { createVerifier } from '../../shared/keys/verifier.ts';
import type { Keys } from '../../shared/ports/tokens.ts';
import { claims, header, ISSUER, memoryKeys, TestClock } from './harness.ts';

const clock = new TestClock();
const now = clock.seconds;
const rsa = memoryKeys('RS256');
const ec = memoryKeys('ES256');
const ed = memoryKeys('EdDSA');
const rules = { issuer: ISSUER, audience: 'perfect21' };
const revocations = { find: () => undefined, learn: () => {} };

/** What was asked of the keys: structure must be judged before. */
const asked: string[] = [];
const keys = {
  verification: (kid: string) => {
    asked.push(kid);
    return [rsa, ec, ed].map(({ published }) => published.get(kid)).find(Boolean);
  },
} as Keys;
const verifier = createVerifier({ keys, revocations, clock }, rules);
const verdictOf = async (token: string) => {
  const verdict = await verifier.verify(token);
  return verdict.valid ? 'valid' : verdict.error;
};
const withHeader = (extra: object) => ec.mint({ ...header('ES256'), ...extra }, claims(now));
const withClaims = (extra: object) => ec.mint(header('ES256'), { ...claims(now), ...extra });
const good = ec.mint(header('ES256'), claims(now));
const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' });
const hs256 = (secret: string | Buffer) => {
  const signed = `${encode(JSON.stringify(header('HS256', 'kid-RS256')))}.${encode(JSON.stringify(claims(now)))}`;
  return `${signed}.${encode(createHmac('sha256', secret).update(signed).digest())}`;
};
const unsigned = (alg: string, signature = '') =>
  `${encode(JSON.stringify({ ...header('ES256'), alg }))}.${encode(JSON.stringify(claims(now)))}.${signature}`;
const [h, p, s] = good.split('.') as [string, string, string];

describe('hostile tokens', () => {
  test.each([rsa, ec, ed])('a good $alg token is valid', async ({ alg, mint }) => {
    expect(await verifier.verify(mint(header(alg), claims(now)))).toEqual({ valid: true, claims: claims(now) });
    expect(await verdictOf(mint({ ...header(alg), typ: 'Application/AT+JWT' }, claims(now)))).toBe('valid');
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['two dots', '..'],
    ['two segments', `${h}.${p}`],
    ['an empty signature', `${h}.${p}.`],
    ['a fourth, empty segment', `${good}.`],
    ['five segments of a JWE', `${h}.${p}.${s}.${s}.${s}`],
    ['white space before', ` ${good}`],
    ['a line feed after', `${good}\n`],
    ['padding', `${h}.${p}.${s}==`],
    ['the alphabet of base64', `${h}.${p}.${s.slice(0, -1)}+`],
    ['a spare bit set', `${h}.${p}.${s.slice(0, -1)}${'AQgw'.includes(s.at(-1)!) ? 'B' : 'x'}`],
    ['Bearer in it', `Bearer ${good}`],
    ['nine kilobytes', ec.mint(header('ES256'), { ...claims(now), roles: ['r'.repeat(9000)] })],
    ['alg none', unsigned('none')],
    ['alg none with a signature', unsigned('none', s)],
    ['alg nOnE', unsigned('nOnE', s)],
    ['alg es256', unsigned('es256', s)],
    ['HS256 with the public key as its secret', hs256(pem as string)],
    ['HS256 with the DER of the public key', hs256(rsa.publicKey.export({ format: 'der', type: 'spki' }))],
    ['an array as alg', withHeader({ alg: ['ES256'] })],
    ['an embedded key', withHeader({ jwk: ec.publicKey.export({ format: 'jwk' }) })],
    ['jku', withHeader({ jku: 'https://evil.example/jwks' })],
    ['x5u', withHeader({ x5u: 'https://evil.example/x' })],
    ['x5c', withHeader({ x5c: ['AAAA'] })],
    ['crit', withHeader({ crit: ['exp'], exp: now })],
    ['an empty crit', withHeader({ crit: [] })],
    ['b64=false', withHeader({ b64: false, crit: ['b64'] })],
    ['zip', withHeader({ zip: 'DEF' })],
    ['a nested token', withHeader({ cty: 'JWT' })],
    ['a path as kid', withHeader({ kid: '../../../dev/null' })],
    ['SQL as kid', withHeader({ kid: "' or 1=1 --" })],
    ['a long kid', withHeader({ kid: 'k'.repeat(65) })],
    ['no kid', withHeader({ kid: undefined })],
    ['an empty kid', withHeader({ kid: '' })],
    ['a number as kid', withHeader({ kid: 1 })],
    ['an object as kid', withHeader({ kid: { toString: 'kid-ES256' } })],
    ['no typ', withHeader({ typ: undefined })],
    ['typ JWT', withHeader({ typ: 'JWT' })],
    ['typ of another token', withHeader({ typ: 'refresh+jwt' })],
    ['typ with a parameter', withHeader({ typ: 'at+jwt; x=1' })],
    ['a header that is an array', ec.mint('[]', claims(now))],
    ['a header that is null', ec.mint('null', claims(now))],
    ['a header with alg twice', ec.mint('{"alg":"none","alg":"ES256","kid":"kid-ES256","typ":"at+jwt"}', claims(now))],
    ['a header behind a byte order mark', ec.mint(`\uFEFF${JSON.stringify(header('ES256'))}`, claims(now))],
  ])('%s is malformed, and no key is looked up for it', async (_, token) => {
    asked.length = 0;
    expect(await verdictOf(token)).toBe('malformed');
    expect(asked).toEqual([]);
  });

  const without = (name: string) => Object.fromEntries(Object.entries(claims(now)).filter(([key]) => key !== name));
  test.each(Object.keys(claims(now)))('a payload without %s is malformed', async (name) => {
    expect(await verdictOf(ec.mint(header('ES256'), without(name)))).toBe('malformed');
  });

  test.each<[string, object]>([
    ['exp as text', { exp: `${now + 900}` }],
    ['exp as null', { exp: null }],
    ['exp of ten years', { exp: now + 10 * 365 * 86_400 }],
    ['exp a second too long', { exp: now + 901 }],
    ['exp before iat', { exp: now - 5, iat: now + 5, iss: 'https://other.example' }],
    ['a list as iss', { iss: [ISSUER] }],
    ['an object as sub', { sub: { $ne: null } }],
    ['an empty sub', { sub: '' }],
    ['a list as jti', { jti: ['token-1'] }],
    ['an empty sid', { sid: '' }],
    ['gen as text', { gen: '3' }],
    ['gen with a fraction', { gen: 3.5 }],
    ['permissions as text', { permissions: '*:*:*' }],
    ['a number among roles', { roles: ['a', 1] }],
    ['a number among audiences', { aud: ['perfect21', 1] }],
    ['nbf as text', { nbf: '0' }],
  ])('%s is malformed', async (_, extra) => {
    expect(await verdictOf(withClaims(extra))).toBe('malformed');
  });

  test.each<[string, string]>([
    ['an array as payload', '[1]'],
    ['a text as payload', '"x"'],
    ['exp twice', JSON.stringify(claims(now)).replace('"exp"', '"exp":9e9,"exp"')],
    ['exp beyond all numbers', JSON.stringify(claims(now)).replace(/"exp":\d+/, '"exp":1e999')],
    ['no JSON as payload', 'foo'],
  ])('%s is malformed', async (_, payload) => {
    expect(await verdictOf(ec.mint(header('ES256'), payload))).toBe('malformed');
  });

  test('__proto__ brings no claims in', async () => {
    const { sub, ...rest } = claims(now);
    const text = `${JSON.stringify(rest).slice(0, -1)},"__proto__":{"sub":"${sub}"}}`;
    expect(await verdictOf(ec.mint(header('ES256'), text))).toBe('malformed');
    const whole = `${JSON.stringify(claims(now)).slice(0, -1)},"__proto__":{"admin":true}}`;
    const verdict = await verifier.verify(ec.mint(header('ES256'), whole));
    expect(verdict).toEqual({ valid: true, claims: claims(now) });
    expect((verdict as any).claims.admin).toBeUndefined();
  });

  test.each<[string, string, string]>([
    ['a key that is not published', 'unknown_key', ec.mint(header('ES256', 'other'), claims(now))],
    ['a signature of another key', 'bad_signature', memoryKeys('ES256').mint(header('ES256'), claims(now))],
    ['the algorithm of another key', 'bad_signature', ec.mint(header('ES256', 'kid-RS256'), claims(now))],
    ['a changed payload', 'bad_signature', `${h}.${encode(JSON.stringify({ ...claims(now), sub: 'root' }))}.${s}`],
    ['a signature of zeros', 'bad_signature', `${h}.${p}.${encode(Buffer.alloc(64))}`],
    ['an ECDSA signature in DER', 'bad_signature', `${h}.${p}.${encode(Buffer.alloc(70, 1))}`],
    ['another issuer', 'wrong_issuer', withClaims({ iss: 'https://evil.example' })],
    ['our issuer with a slash more', 'wrong_issuer', withClaims({ iss: `${ISSUER}/` })],
    ['another audience', 'wrong_audience', withClaims({ aud: 'perfect2' })],
    ['a list without our audience', 'wrong_audience', withClaims({ aud: ['a', 'b'] })],
    ['an issue in two minutes', 'not_yet_valid', withClaims({ iat: now + 120 })],
    ['a beginning in two minutes', 'not_yet_valid', withClaims({ nbf: now + 120 })],
    ['an end just now', 'expired', withClaims({ iat: now - 900, exp: now })],
    ['an end long ago with everything else wrong', 'wrong_issuer', withClaims({ iss: 'x', aud: 'y', iat: 1, exp: 2 })],
  ])('%s is answered with %s', async (_, error, token) => {
    expect(await verdictOf(token)).toBe(error);
  });

  test('our audience may stand in a list, and the clock of the signer may be a minute ahead', async () => {
    expect(await verdictOf(withClaims({ aud: ['other', 'perfect21'] }))).toBe('valid');
    expect(await verdictOf(withClaims({ iat: now + 60, nbf: now + 60 }))).toBe('valid');
  });

  test('no other change of a single character makes a valid token', async () => {
    expect(await verdictOf(good)).toBe('valid');
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.string({ minLength: 0, maxLength: 2 }), async (at, text) => {
        const changed = good.slice(0, at) + text + good.slice(at + 1);
        if (changed !== good) expect(await verdictOf(changed)).not.toBe('valid');
      }),
      { numRuns: 300 },
    );
  });

  test('no second spelling of a segment makes a valid token: the bits that base64url leaves over are none', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const ends = [...good.matchAll(/[^.](?=\.|$)/g)].map(({ index }) => index);
    for (const at of ends) {
      for (const letter of alphabet) {
        const changed = good.slice(0, at) + letter + good.slice(at + 1);
        if (changed !== good) expect([changed.slice(at - 3, at + 1), await verdictOf(changed)][1]).not.toBe('valid');
      }
    }
  });

  test('any text is answered, never thrown at', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.array(fc.base64String()).map((parts) => parts.join('.')),
        ),
        async (text) => {
          expect(await verdictOf(text)).toBe('malformed');
        },
      ),
    );
  });
});
