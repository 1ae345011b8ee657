/** What a sidecar answers beside verdicts about single tokens: batches, permissions, Envoy, streams, health, its socket. */
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createService } from '../../functions/auth/create-service.ts';
import { grantToken } from '../../functions/auth/grant-token.ts';
import { assignRole } from '../../functions/permissions/assign-role.ts';
import { createPolicy } from '../../functions/permissions/create-policy.ts';
import { createRole } from '../../functions/permissions/create-role.ts';
import { grantPermission } from '../../functions/permissions/grant-permission.ts';
import { putRole } from '../../functions/permissions/put-role.ts';
import type { Sidecar } from '../../shared/process/sidecar.ts';
import { definitionOf } from '../e2e/doors/grpc.ts';
import { expectOk, loggedIn, userWithSession, verified } from '../e2e/world.ts';
import {
  adminToken,
  CHECK,
  CHECK_PERMISSION,
  CHECK_PERMISSIONS,
  envoyQuestion,
  grpcCaller,
  openPlatform,
  openSidecar,
  type Rig,
  sidecarFor,
  VALIDATE,
} from './rig.ts';

let rig: Rig;
let sidecar: Sidecar;
let rpc: ReturnType<typeof grpcCaller>;
beforeAll(async () => {
  rig = await openPlatform();
  sidecar = await openSidecar(rig.platform);
  rpc = grpcCaller(sidecar.grpc.port);
}, 60_000);
afterAll(async () => {
  rpc?.close();
  await sidecar?.stop();
  await rig?.close();
});
const verify = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`http://127.0.0.1:${sidecar.http.port}${path}`, { method, headers });

describe('over gRPC a sidecar', () => {
  test('validates many tokens in their order', async () => {
    const { access_token, user_id } = await userWithSession(rig.world);
    const { results } = await rpc.call('perfect21.auth.AuthService/BatchValidateTokens', {
      tokens: [access_token, 'abc', access_token],
    });
    expect(results.map(({ valid, user_id: user }: any) => [valid, user])).toEqual([
      [true, user_id],
      [false, ''],
      [true, user_id],
    ]);
  });

  test("decides about the token's own user by what the token carries", async () => {
    const { access_token, user_id } = await userWithSession(rig.world);
    await vi.waitFor(async () => {
      const own = { resource: 'profile', action: 'read', scope: 'own' };
      const { reason } = await rpc.call(CHECK_PERMISSION, own, access_token);
      expect(reason).toBe('granted_by_token');
    });
    const ask = (question: object) => rpc.call(CHECK_PERMISSION, question, access_token);
    expect(await ask({ user_id, resource: 'users', action: 'read' })).toMatchObject({ allowed: false });
    expect(await ask({ resource: 'profile', action: 'read', context: { owner_id: user_id } })).toMatchObject({
      allowed: true,
    });
    const { results } = await rpc.call(
      CHECK_PERMISSIONS,
      {
        checks: [
          { resource: 'sessions', action: 'read', scope: 'own' },
          { resource: 'x', action: 'y' },
        ],
      },
      access_token,
    );
    expect(results.map(({ allowed }: any) => allowed)).toEqual([true, false]);
  });

  test('decides nothing about somebody else, for nobody, or by a token that is over', async () => {
    const question = { resource: 'profile', action: 'read', scope: 'own' };
    const { access_token } = await userWithSession(rig.world);
    await expect(rpc.call(CHECK_PERMISSION, question)).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(rpc.call(CHECK_PERMISSION, { ...question, user_id: 'other' }, access_token)).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
    });
    expect(await rpc.call(CHECK_PERMISSION, question, 'abc')).toMatchObject({ allowed: false, reason: 'malformed' });
  });

  test('asks its platform where the permissions of a token are old, and where a policy has a say', async () => {
    const admin = await adminToken(rig);
    const { email, user_id } = await verified(rig.world);
    const { access_token } = await loggedIn(rig.world, email);
    const question = { resource: 'users', action: 'read' };
    expect(await rpc.call(CHECK_PERMISSION, question, access_token)).toMatchObject({ allowed: false });
    await expectOk(rig.world.call(assignRole, { user_id, role: 'admin' }, { token: admin.access_token }));
    await vi.waitFor(async () => {
      const answer = await rpc.call(CHECK_PERMISSION, question, access_token);
      expect(answer).toMatchObject({ allowed: true, reason: 'granted_by_role' });
    });
    const policy = { name: 'no-reports', effect: 'deny', resources: ['reports'], actions: ['read'] };
    await expectOk(rig.world.call(createPolicy, policy, { token: admin.access_token }));
    const fresh = await loggedIn(rig.world, email);
    await vi.waitFor(async () => {
      const answer = await rpc.call(CHECK_PERMISSION, { resource: 'reports', action: 'read' }, fresh.access_token);
      expect(answer).toMatchObject({ allowed: false, reason: 'denied_by_policy' });
      expect(await rpc.call(CHECK_PERMISSION, question, fresh.access_token)).toMatchObject({
        reason: 'granted_by_token',
      });
    });
  });

  test('tells health and reflection to whoever asks', async () => {
    const health = await import('grpc-health-check');
    const client = new Client(`127.0.0.1:${sidecar.grpc.port}`, credentials.createInsecure());
    onTestFinished(() => client.close());
    const { Check: check } = health.service as any;
    const answer = await new Promise((resolve, reject) =>
      client.makeUnaryRequest(check.path, check.requestSerialize, check.responseDeserialize, { service: '' }, (e, a) =>
        e ? reject(e) : resolve(a),
      ),
    );
    expect(answer).toMatchObject({ status: 'SERVING' });
  });

  test('answers on a Unix socket as well', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'perfect21-socket-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    await sidecarFor(rig.platform, { SIDECAR_SOCKET: join(folder, 'sidecar.sock') });
    const local = grpcCaller(`unix:${join(folder, 'sidecar.sock')}`);
    onTestFinished(local.close);
    const { access_token, user_id } = await userWithSession(rig.world);
    expect(await local.call(VALIDATE, { token: access_token })).toMatchObject({ valid: true, user_id });
  });
});

describe('to Envoy a sidecar', () => {
  const ask = (headers: Record<string, string>, extensions?: Record<string, string>) =>
    rpc.call(CHECK, envoyQuestion(headers, extensions));

  test('gives the identity in place of what the client sent, and takes away what is empty', async () => {
    const { access_token, user_id, session_id } = await userWithSession(rig.world);
    const { ok_response: ok } = await ask({ authorization: `Bearer ${access_token}`, 'x-user-id': 'somebody' });
    const told = Object.fromEntries(ok.headers.map(({ header }: any) => [header.key, header.value]));
    expect(told).toMatchObject({ 'x-user-id': user_id, 'x-session-id': session_id, 'x-roles': 'user' });
    expect(new Set(ok.headers.map(({ append_action }: any) => append_action))).toEqual(new Set([2]));
    const removed = ok.headers_to_remove.filter((name: string) => !name.includes('_'));
    expect([...Object.keys(told), ...removed].sort()).toEqual(
      ['x-permissions', 'x-roles', 'x-session-id', 'x-token-expires-at', 'x-user-id'].sort(),
    );
  });

  test('takes away what applications that know fields by the names of CGI take for the identity', async () => {
    const { access_token } = await userWithSession(rig.world);
    const { ok_response: ok } = await ask({ authorization: `Bearer ${access_token}`, x_user_id: 'somebody' });
    const spelled = ['x_user_id', 'x-user_id', 'x_user-id', 'x_roles', 'x_permissions', 'x_session-id'];
    expect(ok.headers_to_remove).toEqual(
      expect.arrayContaining([...spelled, 'x-token-expires_at', 'x_token-expires-at']),
    );
  });

  test('denies with 401 and 403, as answers', async () => {
    const { access_token } = await userWithSession(rig.world);
    expect(await ask({})).toMatchObject({ status: { code: 16 }, denied_response: { status: { code: 401 } } });
    const twice = await ask({ authorization: `Bearer ${access_token},Bearer ${access_token}` });
    expect(twice).toMatchObject({ denied_response: { status: { code: 401 } } });
    const denied = await ask({ authorization: `Bearer ${access_token}` }, { permission: 'users:read' });
    expect(denied).toMatchObject({ status: { code: 7 }, denied_response: { status: { code: 403 } } });
    const allowed = await ask({ authorization: `Bearer ${access_token}` }, { permission: 'profile:read:own' });
    expect(allowed.status.code).toBe(0);
  });

  test('is no error where the question is none', async () => {
    const client = new Client(`127.0.0.1:${sidecar.grpc.port}`, credentials.createInsecure());
    onTestFinished(() => client.close());
    const { responseDeserialize } = definitionOf(CHECK);
    const answer = await new Promise<any>((resolve, reject) =>
      client.makeUnaryRequest(
        `/${CHECK}`,
        (bytes: Buffer) => bytes,
        responseDeserialize,
        Buffer.from([10, 200, 1]),
        (error: ServiceError | null, value: any) => (error ? reject(error) : resolve(value)),
      ),
    );
    expect(answer).toMatchObject({ denied_response: { status: { code: 503 } } });
    expect((await rpc.call(CHECK, {})).denied_response.status.code).toBe(401);
  });
});

describe('to proxies a sidecar', () => {
  const FIELDS = ['x-user-id', 'x-session-id', 'x-roles', 'x-permissions', 'x-token-expires-at'];

  test.each(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'answers a %s at /verify and below',
    async (method) => {
      const { access_token, user_id } = await userWithSession(rig.world);
      for (const path of ['/verify', '/verify?x=1', '/verify/', '/verify/things/7?x=1']) {
        const response = await verify(path, { authorization: `Bearer ${access_token}` }, method);
        expect([path, response.status, response.headers.get('x-user-id')]).toEqual([path, 200, user_id]);
      }
      expect((await verify('/verifyx')).status).toBe(404);
    },
  );

  test('always sends every field, empty when refused', async () => {
    const { access_token } = await userWithSession(rig.world);
    const good = await verify('/verify', { authorization: `Bearer ${access_token}` });
    for (const field of FIELDS) expect(good.headers.get(field)).toBeTruthy();
    for (const refused of [await verify('/verify'), await verify('/verify', { authorization: 'Basic eDp5' })]) {
      expect(refused.status).toBe(401);
      for (const field of FIELDS) expect(refused.headers.get(field)).toBe('');
    }
  });

  test('asks for every permission that anybody names', async () => {
    const { access_token } = await userWithSession(rig.world);
    const status = async (path: string, more: Record<string, string> = {}) =>
      (await verify(path, { authorization: `Bearer ${access_token}`, ...more })).status;
    expect(await status('/verify?permission=profile:read:own')).toBe(200);
    expect(await status('/verify?permission=profile:read:own&permission=users:read')).toBe(403);
    expect(await status('/verify?permission=profile:read:own', { 'x-required-permission': 'users:read' })).toBe(403);
    expect(await status('/verify', { 'x-required-permission': 'profile:read:own, sessions:read:own' })).toBe(200);
    for (const odd of ['nonsense', '!profile:read:own', ':', 'a:', `${'a'.repeat(300)}:b`])
      expect([odd, await status(`/verify?permission=${encodeURIComponent(odd)}`)]).toEqual([odd, 403]);
  });

  test("lets a service through by what its credentials hold, whatever became of users' roles since", async () => {
    const { world } = rig;
    const as = { token: world.service_token };
    const client = await expectOk(world.call(createService, { name: 'orders', permissions: ['docs:read'] }, as));
    const admin = await adminToken(rig);
    await expectOk(
      world.call(createRole, { name: 'auditors', permissions: ['docs:read'] }, { token: admin.access_token }),
    );
    const { access_token: ofUser } = await loggedIn(world, (await verified(world)).email);
    await expectOk(world.call(putRole, { role: 'auditors', permissions: [] }, { token: admin.access_token }));
    await vi.waitFor(async () => {
      const { warnings } = await rpc.call(VALIDATE, { token: ofUser });
      expect(warnings).toContain('permissions_changed');
    });
    const { client_id, client_secret } = client;
    const token = await expectOk(
      world.call(grantToken, { grant_type: 'client_credentials', client_id, client_secret }),
    );
    const status = async (path: string) =>
      (await verify(path, { authorization: `Bearer ${token.access_token}` })).status;
    expect([await status('/verify?permission=docs:read'), await status('/verify?permission=docs:write')]).toEqual([
      200, 403,
    ]);
  });

  test('takes two credentials for none, and reads no body', async () => {
    const { access_token } = await userWithSession(rig.world);
    const send = (headers: string[]) =>
      new Promise<number>((resolve, reject) => {
        const sent = request({ port: sidecar.http.port, host: '127.0.0.1', path: '/verify', method: 'POST', headers });
        sent.on('response', (response) => {
          response.resume();
          resolve(response.statusCode!);
        });
        sent.on('error', reject);
        sent.end();
      });
    const one = ['host', 'a', 'authorization', `Bearer ${access_token}`, 'content-length', '0'];
    expect(await send(one)).toBe(200);
    expect(await send([...one, 'authorization', `Bearer ${access_token}`])).toBe(401);
  });

  test('says that it lives and is ready', async () => {
    const alive = await verify('/healthz', { 'x-request-id': 'probe-1' });
    expect([alive.status, alive.headers.get('x-request-id')]).toEqual([200, 'probe-1']);
    const ready = await verify('/readyz');
    expect([ready.status, await ready.json()]).toEqual([
      200,
      { status: 'ok', checks: { keys: { status: 'ok' }, revocations: { status: 'ok' } } },
    ]);
    const metrics = await (await fetch(`http://127.0.0.1:${sidecar.metrics.port}/metrics`)).text();
    expect(metrics).toMatch(/perfect21_revocation_staleness_seconds 0/);
    const { engines } = (await (
      await fetch(`http://127.0.0.1:${sidecar.metrics.port}/status/data.json`)
    ).json()) as any;
    expect(engines).toEqual([
      { name: 'keys', engine: 'jwks', state: 'ok' },
      { name: 'revocations', engine: 'grpc', state: 'ok' },
    ]);
  });
});

describe('a client that watches its token', () => {
  /** What it is told, and how the stream ended. */
  const watching = (token: string, port = sidecar.grpc.port) => {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    onTestFinished(() => client.close());
    const { path, requestSerialize, responseDeserialize } = definitionOf('perfect21.sidecar.TokenService/WatchToken');
    const told: any[] = [];
    const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { token });
    let ended: number | undefined;
    stream.on('data', (row) => told.push(row));
    stream.on('error', (error: ServiceError) => {
      ended = error.code;
    });
    stream.on('end', () => {
      ended ??= status.OK;
    });
    return { told, ended: () => ended };
  };

  test('hears at once that its permissions changed, and then that its session ended', async () => {
    const admin = await adminToken(rig);
    const { email, user_id } = await verified(rig.world);
    const { access_token, session_id } = await loggedIn(rig.world, email);
    const { told, ended } = watching(access_token);
    await vi.waitFor(() => expect(told).toHaveLength(1));
    expect(told[0]).toMatchObject({ valid: true, user_id, warnings: [] });
    const grant = { user_id, permission: 'docs:read', effect: 'allow' };
    await expectOk(rig.world.call(grantPermission, grant, { token: admin.access_token }));
    await vi.waitFor(() => expect(told).toHaveLength(2));
    expect(told[1]).toMatchObject({ valid: true, warnings: ['permissions_changed'] });
    const { revocations } = rig.platform.host.ports;
    revocations.learn({ kind: 'sid', value: session_id, error: 'session_ended', created_at: Date.now() });
    await vi.waitFor(() => expect(ended()).toBe(status.OK));
    expect(told).toHaveLength(3);
    expect(told[2]).toMatchObject({ valid: false, error_message: 'session_ended' });
  });

  test('hears the refusal of a bad token once, and the same at the platform', async () => {
    for (const port of [sidecar.grpc.port, rig.platform.grpc.port]) {
      const { told, ended } = watching('abc', port);
      await vi.waitFor(() => expect(ended()).toBe(status.OK));
      expect(told).toMatchObject([{ valid: false, error_message: 'malformed' }]);
    }
  });
});
