import { describe, expect, test, vi } from 'vitest';
import { RevocationSet } from '../../shared/keys/revocation-set.ts';
import { createVerifier } from '../../shared/keys/verifier.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { Revocations } from '../../shared/ports/revocations.ts';
import { claims, header, ISSUER, memoryKeys, TestClock } from './harness.ts';

const rules = { issuer: ISSUER, audience: 'perfect21' };
const setUp = (revocations?: Partial<Revocations>) => {
  const clock = new TestClock();
  const pair = memoryKeys('ES256');
  const live = new RevocationSet();
  const lookUp = vi.spyOn(pair.keys, 'verification');
  const port = { find: (of: any) => live.find(of), learn: (each: any) => live.add(each), ...revocations };
  const verifier = createVerifier({ keys: pair.keys, clock, revocations: port }, rules);
  const token = (extra: object = {}) => pair.mint(header('ES256'), { ...claims(clock.seconds), ...extra });
  const now = () => ({ created_at: clock.now() });
  return { clock, verifier, live, token, pair, lookUp, now };
};
const of = (verdict: { valid: boolean; error?: string }) => (verdict.valid ? 'valid' : verdict.error);

describe('verifier', () => {
  test('a known token still expires, to the millisecond', async () => {
    const { verifier, clock, token } = setUp();
    const one = token();
    expect(of(await verifier.verify(one))).toBe('valid');
    clock.pass(899_999);
    expect(of(await verifier.verify(one))).toBe('valid');
    clock.pass(1);
    expect(of(await verifier.verify(one))).toBe('expired');
    expect(of(await verifier.verify(one))).toBe('expired');
  });

  test.each(['jti', 'sid'] as const)('a token dies by its %s, whether it was seen before or not', async (kind) => {
    const { verifier, live, token, now } = setUp();
    const [seen, unseen] = [token(), token({ permissions: [] })];
    expect(of(await verifier.verify(seen))).toBe('valid');
    live.add({ kind, value: claims(0)[kind], error: kind === 'jti' ? 'revoked' : 'session_ended', ...now() });
    const error = kind === 'jti' ? 'revoked' : 'session_ended';
    expect(of(await verifier.verify(seen))).toBe(error);
    expect(of(await verifier.verify(unseen))).toBe(error);
    expect(of(await verifier.verify(token({ jti: 'token-2', sid: 'session-2' })))).toBe('valid');
  });

  test('a user revocation kills earlier generations; a login in the same second lives', async () => {
    const { verifier, live, token, now } = setUp();
    const before = token({ jti: 'before', gen: 3 });
    expect(of(await verifier.verify(before))).toBe('valid');
    live.add({ kind: 'user', value: 'user-1', generation: 4, error: 'revoked', ...now() });
    const after = token({ jti: 'after', gen: 4 });
    expect(of(await verifier.verify(before))).toBe('revoked');
    expect(of(await verifier.verify(after))).toBe('valid');
    expect(of(await verifier.verify(token({ sub: 'user-2', gen: 1 })))).toBe('valid');
  });

  test('a user revocation spares the session that asked for it', async () => {
    const { verifier, live, token, now } = setUp();
    live.add({
      kind: 'user',
      value: 'user-1',
      generation: 4,
      except_sid: 'session-1',
      error: 'session_ended',
      ...now(),
    });
    expect(of(await verifier.verify(token()))).toBe('valid');
    expect(of(await verifier.verify(token({ sid: 'session-2' })))).toBe('session_ended');
    live.add({ kind: 'user', value: 'user-1', generation: 5, error: 'user_inactive', ...now() });
    expect(of(await verifier.verify(token()))).toBe('user_inactive');
  });

  test('what a service may stands in its credentials: roles and policies of users change nothing about its token', async () => {
    const { verifier, live, token, now } = setUp();
    live.add({ kind: 'roles', value: 'all', generation: 7, ...now() });
    const warnings = async (extra: object) => {
      const verdict = await verifier.verify(token(extra));
      return verdict.valid && verdict.warnings;
    };
    expect(await warnings({ jti: 'user', rgen: 6 })).toEqual(['permissions_changed']);
    expect(await warnings({ jti: 'service', sub: 'service-1', client_id: 'service-1' })).toBeUndefined();
    live.add({ kind: 'user', value: 'service-1', generation: 4, error: 'revoked', ...now() });
    expect(of(await verifier.verify(token({ jti: 'old', sub: 'service-1', client_id: 'service-1', gen: 3 })))).toBe(
      'revoked',
    );
  });

  test('a token that expired is called so even if it was revoked as well', async () => {
    const { verifier, live, token, clock, now } = setUp();
    const one = token();
    live.add({ kind: 'jti', value: 'token-1', error: 'revoked', ...now() });
    clock.pass(900_000);
    expect(of(await verifier.verify(one))).toBe('expired');
  });

  test('a key that is published no more takes its known tokens with it', async () => {
    const { verifier, token, pair } = setUp();
    const one = token();
    expect(of(await verifier.verify(one))).toBe('valid');
    pair.published.clear();
    expect(of(await verifier.verify(one))).toBe('unknown_key');
  });

  test('where revocations are not known it answers unavailable, for known tokens, too', async () => {
    let away = false;
    const find = () => {
      if (away) throw new AppError('unavailable');
      return undefined;
    };
    const { verifier, token } = setUp({ find });
    const one = token();
    expect(of(await verifier.verify(one))).toBe('valid');
    away = true;
    await expect(verifier.verify(one)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(verifier.verify(token({ jti: 'new' }))).rejects.toMatchObject({ code: 'unavailable' });
    away = false;
    expect(of(await verifier.verify(one))).toBe('valid');
  });

  test('revocations that must be asked first are waited for', async () => {
    const { verifier, token } = setUp({ find: async () => 'revoked' as const });
    const one = token();
    expect(of(await verifier.verify(one))).toBe('revoked');
    expect(of(await verifier.verify(one))).toBe('revoked');
  });

  test('keys that must be fetched first are waited for', async () => {
    const { verifier, token, pair, lookUp } = setUp();
    lookUp.mockImplementation(async (kid) => pair.published.get(kid));
    const one = token();
    expect(of(await verifier.verify(one))).toBe('valid');
    expect(of(await verifier.verify(one))).toBe('valid');
  });

  test('nobody can change the verdict that others get', async () => {
    const { verifier, token } = setUp();
    const one = token();
    const verdict: any = await verifier.verify(one);
    expect(() => verdict.claims.permissions.push('*:*:*')).toThrow(TypeError);
    expect(() => {
      verdict.claims.sub = 'root';
    }).toThrow(TypeError);
    expect(await verifier.verify(one)).toEqual({ valid: true, claims: JSON.parse(JSON.stringify(verdict.claims)) });
  });

  test('refused tokens are not remembered, so nobody can push good ones out', async () => {
    const { verifier, token, pair } = setUp();
    pair.published.clear();
    const one = token();
    expect(of(await verifier.verify(one))).toBe('unknown_key');
    pair.published.set(pair.kid, { kid: pair.kid, alg: 'ES256', key: pair.publicKey });
    expect(of(await verifier.verify(one))).toBe('valid');
  });
});
