import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { platform as services } from '../../functions/index.ts';
import { kindsOf } from '../../shared/kit/binding.ts';
import type { Access } from '../../shared/kit/operation.ts';
import { isStream, NDJSON } from '../../shared/kit/stream.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { loggedIn, userWithSession } from '../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

const routes = services.flatMap(({ operations }) => operations.flatMap((op) => op.http.map((http) => ({ op, http }))));
const CALLERS = ['nobody', 'user', 'administrator', 'service'] as const;
type CallerName = (typeof CALLERS)[number];

/** Who gets past the door, from the declaration alone. */
const mayEnter = (access: Access | readonly Access[], caller: CallerName): boolean =>
  [access].flat().some((each) => {
    if (each === 'public') return true;
    if (caller === 'nobody') return false;
    if (each === 'user' || each === 'own') return caller === 'user' || caller === 'administrator';
    if (each === 'service') return caller === 'service';
    return caller === 'administrator' || caller === 'service';
  });

describe('every route lets in whom it declares, and nobody else', () => {
  let platform: TestPlatform;
  const tokens: Partial<Record<CallerName, string>> = {};

  beforeAll(async () => {
    platform = await testPlatform();
    const { admin, service_token } = platform.credentials;
    const world = worldOf(platform, http1Door(platform.http.url));
    tokens.user = (await userWithSession(world)).access_token;
    tokens.administrator = (await loggedIn(world, admin.email, { password: admin.password })).access_token;
    tokens.service = service_token;
  });
  afterAll(() => platform?.close());

  for (const { op, http } of routes) {
    for (const caller of CALLERS) {
      const enters = mayEnter(op.access, caller);
      test(`${http.method} ${http.path}: ${caller} ${enters ? 'gets in' : 'stays out'}`, async () => {
        // a field that no operation has: who gets in is told so, and nothing happens
        const { method, path } = http;
        const url = `${platform.http.url}${path.replace(/\{\w+\}/g, 'none')}`;
        const [kind] = isStream(op.input) ? (['json'] as const) : kindsOf(http);
        const json = isStream(op.input) ? NDJSON : 'application/json';
        const body = kind && (kind === 'json' ? '{"no_such_field":1}' : 'no_such_field=1');
        const type = kind === 'json' ? json : 'application/x-www-form-urlencoded';
        const response = await fetch(body ? url : `${url}?no_such_field=1`, {
          method,
          body,
          headers: {
            ...(body && { 'content-type': type }),
            ...(tokens[caller] && { authorization: `Bearer ${tokens[caller]}` }),
          },
        });
        const { code, error } = (await response.json()) as { code?: string; error?: string };
        const refusal = caller === 'nobody' ? 'unauthenticated' : 'forbidden';
        expect(code ?? error).toBe(enters ? 'invalid_request' : refusal);
      });
    }
  }

  test('a credential that is not valid is told apart from none, and never taken for somebody', async () => {
    for (const authorization of [
      'Bearer nonsense',
      'Basic eDp5',
      'Bearer',
      `Bearer ${tokens.service}x`,
      'Bearer p21s_x_y',
    ]) {
      const response = await fetch(`${platform.http.url}/api/v1/users/me`, { headers: { authorization } });
      expect([authorization, response.status]).toEqual([authorization, 401]);
      expect(response.headers.get('www-authenticate')).toContain('Bearer');
      // who came with a token learns that it was that (RFC 6750, 3.1)
      const came = /^Bearer ./.test(authorization);
      expect(/error="invalid_token"/.test(response.headers.get('www-authenticate')!)).toBe(came);
    }
    const headers = { authorization: `Bearer ${tokens.user}` };
    const forbidden = await fetch(`${platform.http.url}/api/v1/users`, { headers });
    expect([forbidden.status, forbidden.headers.get('www-authenticate')]).toEqual([
      403,
      'Bearer realm="perfect21", error="insufficient_scope"',
    ]);
  });
});
