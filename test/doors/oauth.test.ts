/** OAuth for services as its clients speak it: judged by openid-client and oauth4webapi, and by requests of our own. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createService } from '../../functions/auth/create-service.ts';
import { rotateService } from '../../functions/auth/rotate-service.ts';
import { expectOk, userWithSession } from '../e2e/world.ts';
import { openRig, type Rig } from '../table/rig.ts';

const ISSUER = 'http://localhost:8080';
const TOKEN = '/oauth2/token';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const CREDENTIALS = { grant_type: 'client_credentials' };

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
});
afterAll(() => rig?.close());

/** The issuer's name is public, its address the test's. */
const toRig = (url: string, options?: object) => fetch(url.replace(ISSUER, rig.platform.http.url), options);

const made = async (fields: object = {}): Promise<{ client_id: string; client_secret: string }> => {
  const { world } = rig;
  const service = { name: 'orders', permissions: ['docs:read', 'users:read'], ...fields };
  return expectOk(world.call(createService, service, { token: world.service_token }));
};

const post = async (path: string, form: Record<string, string>, headers: Record<string, string> = {}) => {
  const body = new URLSearchParams(form);
  const response = await fetch(`${rig.platform.http.url}${path}`, { method: 'POST', body, headers });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
};

const basic = (user: string, password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

describe('openid-client', () => {
  const configured = (id: string, auth: client.ClientAuth | undefined, secret?: string) =>
    client.discovery(new URL(ISSUER), id, secret, auth, {
      execute: [client.allowInsecureRequests],
      algorithm: 'oauth2',
      [client.customFetch]: toRig as client.CustomFetch,
    });

  test('finds its way, and gets, asks about and revokes a token with each kind of secret', async () => {
    const { client_id, client_secret } = await made();
    for (const kind of [client.ClientSecretBasic, client.ClientSecretPost]) {
      const config = await configured(client_id, kind(client_secret), client_secret);
      const tokens = await client.clientCredentialsGrant(config, { scope: 'docs:read' });
      expect(tokens).toMatchObject({ token_type: 'bearer', scope: 'docs:read', expires_in: 900 });
      const asked = await client.tokenIntrospection(config, tokens.access_token);
      expect(asked).toMatchObject({ active: true, scope: 'docs:read', client_id, sub: client_id, iss: ISSUER });
      await client.tokenRevocation(config, tokens.access_token);
      expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
    }
  });

  test('by private_key_jwt, with each kind of key', async () => {
    for (const alg of ['RS256', 'ES256', 'Ed25519']) {
      const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
      const { client_id, client_secret } = await made({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] });
      expect(client_secret).toBeUndefined();
      const config = await configured(client_id, client.PrivateKeyJwt({ key: privateKey, kid: 'one' }));
      const { access_token } = await client.clientCredentialsGrant(config);
      expect((await client.tokenIntrospection(config, access_token)).active).toBe(true);
      await client.tokenRevocation(config, access_token);
    }
  });

  test("refreshes a user's tokens without a secret", async () => {
    const { refresh_token, user_id } = await userWithSession(rig.world);
    const config = await configured('perfect21', client.None());
    const tokens = await client.refreshTokenGrant(config, refresh_token);
    expect(tokens.refresh_token).not.toBe(refresh_token);
    const { sub } = JSON.parse(Buffer.from(tokens.access_token.split('.')[1]!, 'base64url').toString());
    expect(sub).toBe(user_id);
    await expect(client.refreshTokenGrant(config, 'none-of-ours')).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  test('is told what is wrong in its own words', async () => {
    const { client_id, client_secret } = await made();
    const config = await configured(client_id, client.ClientSecretPost(client_secret), client_secret);
    const beyond = client.clientCredentialsGrant(config, { scope: 'users:write' });
    await expect(beyond).rejects.toMatchObject({ error: 'invalid_scope', status: 400 });
    const other = client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:device_code', {});
    await expect(other).rejects.toMatchObject({ error: 'unsupported_grant_type', status: 400 });
    const wrong = await configured(client_id, client.ClientSecretBasic('wrong'), 'wrong');
    // a challenge, as RFC 6749, 5.2 asks for where a client used the header
    await expect(client.clientCredentialsGrant(wrong)).rejects.toMatchObject({ status: 401 });
  });
});

test('oauth4webapi takes metadata, tokens and introspection, and a token is an access token of RFC 9068', async () => {
  const options = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: toRig as any } as const;
  const discovered = await oauth.discoveryRequest(new URL(ISSUER), { algorithm: 'oauth2', ...options });
  const server = await oauth.processDiscoveryResponse(new URL(ISSUER), discovered);
  const { client_id, client_secret } = await made();
  const us = { client_id };
  const auth = oauth.ClientSecretBasic(client_secret);
  const answer = await oauth.clientCredentialsGrantRequest(server, us, auth, new URLSearchParams(), options);
  const { access_token } = await oauth.processClientCredentialsResponse(server, us, answer);
  const asked = await oauth.introspectionRequest(server, us, auth, access_token, options);
  expect(await oauth.processIntrospectionResponse(server, us, asked)).toMatchObject({ active: true, client_id });
  const request = new Request(`${ISSUER}/anything`, { headers: { authorization: `Bearer ${access_token}` } });
  const claims = await oauth.validateJwtAccessToken(server, request, 'perfect21', options);
  expect(claims).toMatchObject({ sub: client_id, client_id, permissions: ['docs:read', 'users:read'] });
  const revoked = await oauth.revocationRequest(server, us, auth, access_token, options);
  expect(await oauth.processRevocationResponse(revoked)).toBeUndefined();
});

describe('an assertion', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const keyed = () => made({ keys: [{ ...(publicKey.export({ format: 'jwk' }) as object), kid: 'one' }] });
  const now = () => Math.floor(Date.now() / 1_000);
  const signed = (id: string, claims: object = {}, header: object = {}, key = privateKey) =>
    new SignJWT({ iss: id, sub: id, aud: ISSUER, jti: randomUUID(), exp: now() + 60, iat: now(), ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'one', ...header } as any)
      .sign(key);
  const ask = (client_assertion: string, more: Record<string, string> = {}) =>
    post(TOKEN, { ...CREDENTIALS, client_assertion_type: JWT_BEARER, client_assertion, ...more });

  test('is good once, also when it comes many times at once', async () => {
    const { client_id } = await keyed();
    const assertion = await signed(client_id);
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(assertion)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(401)]);
    expect((await ask(assertion)).body).toMatchObject({ error: 'invalid_client' });
    // the name of one client's assertion is free for another
    const other = await keyed();
    const jti = randomUUID();
    for (const id of [client_id, other.client_id]) expect((await ask(await signed(id, { jti }))).status).toBe(200);
  });

  test('for another server, too old, too long, too early, unsigned, by another key or about another is refused', async () => {
    const { client_id } = await keyed();
    const { privateKey: stranger } = generateKeyPairSync('ed25519');
    const bad: Record<string, Promise<string>> = {
      'another server': signed(client_id, { aud: 'https://id.example.org' }),
      'several servers': signed(client_id, { aud: [ISSUER, 'https://id.example.org'] }),
      'no server': signed(client_id, { aud: undefined }),
      'too old': signed(client_id, { exp: now() - 61 }),
      'too long': signed(client_id, { exp: now() + 3_600 }),
      'without end': signed(client_id, { exp: undefined }),
      'too early': signed(client_id, { nbf: now() + 600 }),
      'without a name of its own': signed(client_id, { jti: undefined }),
      'by another key': signed(client_id, {}, {}, stranger),
      'by a key that is not there': signed(client_id, {}, { kid: 'two' }),
      'as an access token': signed(client_id, {}, { typ: 'at+jwt' }),
      'issued by another': signed(client_id, { iss: 'somebody' }),
      'about another': signed('somebody'),
    };
    for (const [what, assertion] of Object.entries(bad)) {
      const { status, body } = await ask(await assertion);
      expect([what, status, body.error]).toEqual([what, 401, 'invalid_client']);
    }
    expect((await ask(await signed(client_id), { client_id: 'somebody' })).status).toBe(401);
    expect((await ask(await signed(client_id), { client_assertion_type: 'other' })).body.error).toBe('invalid_request');
    expect((await ask(await signed(client_id, { aud: `${ISSUER}${TOKEN}` }), { client_id })).status).toBe(200);
  });

  test('is signed by the new keys after a rotation, and by the old ones while they overlap', async () => {
    const { client_id } = await keyed();
    const next = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keys = [{ ...(next.publicKey.export({ format: 'jwk' }) as object), kid: 'two' }];
    const rotate = (overlap: number) =>
      expectOk(rig.world.call(rotateService, { client_id, keys, overlap }, { token: rig.world.service_token }));
    expect((await rotate(60)).client_secret).toBeUndefined();
    const byNext = () => signed(client_id, {}, { alg: 'ES256', kid: 'two' }, next.privateKey);
    for (const each of [signed(client_id), byNext()]) expect((await ask(await each)).status).toBe(200);
    await rotate(0);
    expect((await ask(await signed(client_id))).status).toBe(401);
    expect((await ask(await byNext())).status).toBe(200);
  });
});

test('Basic credentials are decoded as a form is, empty parameters are left out, unknown ones passed over', async () => {
  const { client_id, client_secret } = await made();
  const encoded = [client_id, client_secret].map((text) => text.replaceAll('-', '%2D'));
  const { status, headers, body } = await post(
    TOKEN,
    { ...CREDENTIALS, scope: '', client_secret: '', resource: 'https://api.example.org' },
    basic(encoded[0]!, encoded[1]!),
  );
  expect([status, body.token_type]).toEqual([200, 'Bearer']);
  expect([headers.get('cache-control'), headers.get('pragma')]).toEqual(['no-store', 'no-cache']);
  const broken = await post(TOKEN, CREDENTIALS, basic('%zz', 'x'));
  expect([broken.status, broken.body.error]).toEqual([401, 'invalid_client']);
  expect(broken.headers.get('www-authenticate')).toContain('Basic');
});

test('who proves in two ways, with the secret of another, or with nothing, gets nothing', async () => {
  const [one, other] = [await made(), await made()];
  const twice = await post(TOKEN, { ...CREDENTIALS, ...one }, basic(one.client_id, one.client_secret));
  expect([twice.status, twice.body.error]).toEqual([400, 'invalid_request']);
  const mixed = await post(TOKEN, { ...CREDENTIALS, client_id: one.client_id, client_secret: other.client_secret });
  expect([mixed.status, mixed.body.error]).toEqual([401, 'invalid_client']);
  for (const form of [
    CREDENTIALS,
    { ...CREDENTIALS, client_id: one.client_id },
    { ...CREDENTIALS, client_id: 'perfect21' },
  ]) {
    expect((await post(TOKEN, form as Record<string, string>)).body.error).toBe('invalid_client');
  }
  expect((await post(TOKEN, { grant_type: '' })).body.error).toBe('invalid_request');
  const json = await fetch(`${rig.platform.http.url}${TOKEN}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...CREDENTIALS, ...one }),
  });
  expect(json.status).toBe(415);
});

test("introspection takes a service's bearer token; a user's is no service", async () => {
  const { access_token } = await userWithSession(rig.world);
  const { client_id, client_secret } = await made();
  const { body: own } = await post(TOKEN, { ...CREDENTIALS, client_id, client_secret });
  const ask = (bearer: string) =>
    post('/oauth2/introspect', { token: access_token }, { authorization: `Bearer ${bearer}` });
  for (const bearer of [client_secret, own.access_token]) expect((await ask(bearer)).body.active).toBe(true);
  for (const bearer of [access_token, 'none-of-ours']) {
    const { status, body } = await ask(bearer);
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  }
});
