import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { base32, hotp, otpauthUrl, stepOf, stepWithCode } from '../../../functions/auth/totp.ts';

const read = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../vectors/rfc/${file}`, import.meta.url), 'utf8')) as any;
const { secretHex, secretBase32, values: counters } = read('rfc4226-hotp.json');
const { seeds, values: times, windowAndReplayCases } = read('rfc6238-totp.json');
const seed = Buffer.from(secretHex, 'hex');

describe('RFC 4226', () => {
  test.each<[number, string]>(counters.map(({ counter, code }: any) => [counter, code]))(
    'counter %s gives %s',
    (counter, code) => {
      expect(hotp(seed, counter)).toBe(code);
    },
  );
});

describe('RFC 6238', () => {
  test.each<[number, string, any]>(times.map((each: any) => [each.unixTime, each.algorithm, each]))(
    'at %s with %s',
    (_, __, each) => {
      const { unixTime, algorithm, digits, expected, step } = each;
      expect(stepOf(unixTime * 1000)).toBe(step);
      const key = Buffer.from(seeds[algorithm].hex, 'hex');
      expect(hotp(key, step, { digits, algorithm: algorithm.toLowerCase() })).toBe(expected);
      if (algorithm === 'SHA1') expect(stepWithCode(key, each.last6, unixTime * 1000)).toBe(step);
    },
  );

  const alone = windowAndReplayCases.cases.slice(4).filter(({ code }: any) => typeof code === 'string');
  test.each<[string, any]>(alone.map((each: any) => [each.case, each]))(
    '%s',
    (_, { serverTime, code, expect: wanted }) => {
      const found = stepWithCode(seed, code, serverTime * 1000) !== undefined;
      expect(found).toBe(wanted !== 'reject');
    },
  );
});

test('a secret is written as apps read it', () => {
  expect(base32(seed)).toBe(secretBase32);
  // RFC 4648 §10
  const texts = { '': '', f: 'MY', fo: 'MZXQ', foo: 'MZXW6', foob: 'MZXW6YQ', fooba: 'MZXW6YTB', foobar: 'MZXW6YTBOI' };
  for (const [text, coded] of Object.entries(texts)) expect(base32(Buffer.from(text))).toBe(coded);
  const url = new URL(otpauthUrl(seed, { issuer: 'id.example.org', account: 'ada+x@example.org' }));
  expect([url.protocol, url.host, url.pathname]).toEqual(['otpauth:', 'totp', '/id.example.org:ada%2Bx%40example.org']);
  expect(Object.fromEntries(url.searchParams)).toEqual({
    secret: secretBase32,
    issuer: 'id.example.org',
    algorithm: 'SHA1',
    digits: '6',
    period: '30',
  });
});
