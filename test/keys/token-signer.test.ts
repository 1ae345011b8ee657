import { describe, expect, test } from 'vitest';
import { createTokenSigner } from '../../shared/keys/token-signer.ts';
import { ISSUER, memoryKeys, settings, TestClock } from './harness.ts';

const clock = new TestClock();
const ids = { uuid: () => 'jti-1', random: () => 'r' };
const { keys } = memoryKeys('ES256');
const signer = createTokenSigner({ signer: keys, clock, ids, settings: { ...settings, access_token_ttl: 600 } });
const subject = { user_id: 'u', session_id: 's', generation: 7, permissions: ['a:b:c'], roles: ['r'] };

describe('token signer', () => {
  test('a token has the header and claims of RFC 9068, times in whole seconds', async () => {
    clock.pass(999);
    const { access_token, jti, expires_at } = await signer.sign(subject);
    const [header, payload] = access_token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
    expect(JSON.parse(header!)).toEqual({ alg: 'ES256', kid: 'kid-ES256', typ: 'at+jwt' });
    expect(JSON.parse(payload!)).toEqual({
      iss: ISSUER,
      aud: 'perfect21',
      sub: 'u',
      client_id: 'perfect21',
      jti: 'jti-1',
      sid: 's',
      gen: 7,
      iat: clock.seconds,
      exp: clock.seconds + 600,
      permissions: ['a:b:c'],
      roles: ['r'],
    });
    expect({ jti, expires_at }).toEqual({ jti: 'jti-1', expires_at: clock.seconds + 600 });
  });

  test('a token that no verifier would read is not made', async () => {
    const permissions = Array.from({ length: 400 }, (_, n) => `resource-${n}:action:scope`);
    await expect(signer.sign({ ...subject, permissions })).rejects.toThrow('400 permissions is too long');
  });
});
