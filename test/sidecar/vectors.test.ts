/** One list of tokens, and the same verdict about each at every door. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { validateToken } from '../../functions/auth/validate-token.ts';
import { authorize } from '../../shared/doors/lambda/authorizer.ts';
import { encode } from '../../shared/keys/base64url.ts';
import { openFileKeys } from '../../shared/keys/file-keys.ts';
import { toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import type { Revocation } from '../../shared/ports/revocations.ts';
import type { Signer } from '../../shared/ports/tokens.ts';
import type { Sidecar } from '../../shared/process/sidecar.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { lambdaDoor } from '../e2e/doors/lambda.ts';
import { localDoor } from '../e2e/doors/local.ts';
import type { Door } from '../e2e/world.ts';
import { CHECK, envoyQuestion, grpcCaller, openPlatform, openSidecar, type Rig, VALIDATE } from './rig.ts';

interface Vector {
  name: string;
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  /** Seconds from now. */
  shift?: Record<string, number>;
  text?: string;
  suffix?: string;
  break?: boolean;
  pad?: number;
  then?: 'jti' | 'sid' | 'user' | 'locked' | 'permissions';
  expect: string;
  warnings?: string[];
}

const VECTORS: Vector[] = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8'));

interface Said {
  verdict: string;
  user_id: string;
  warnings?: string[];
}
type Ask = (token: string) => Promise<Said>;

describe('the same verdict', () => {
  let rig: Rig;
  let sidecar: Sidecar;
  let signer: Signer;
  const doors: Record<string, Ask> = {};
  const closing: (() => unknown)[] = [];

  /** A REST-like door of ValidateToken. */
  const validating =
    (door: Door): Ask =>
    async (token) => {
      const { body } = await door.call(validateToken, { token });
      return { verdict: body.valid ? 'valid' : body.error_message, user_id: body.user_id, warnings: body.warnings };
    };
  const authorizing: Ask = async (token) => {
    const headers = { Authorization: `Bearer ${token}` };
    const event = { version: '2.0', type: 'REQUEST', headers };
    const { isAuthorized, context } = await authorize(rig.platform.host, event, 'request-1');
    return { verdict: isAuthorized ? 'valid' : String(context.error), user_id: String(context.user_id ?? '') };
  };
  const overGrpc = (port: number): Ask => {
    const caller = grpcCaller(port);
    closing.push(caller.close);
    return async (token) => {
      const { valid, error_message, user_id, warnings } = await caller.call(VALIDATE, { token });
      return { verdict: valid ? 'valid' : error_message, user_id, warnings };
    };
  };
  const overEnvoy = (port: number): Ask => {
    const caller = grpcCaller(port);
    closing.push(caller.close);
    return async (token) => {
      const { status, ok_response: ok } = await caller.call(CHECK, envoyQuestion({ authorization: `Bearer ${token}` }));
      const user = ok?.headers.find(({ header }: any) => header.key === 'x-user-id')?.header.value ?? '';
      return { verdict: status.code === 0 ? 'valid' : status.message, user_id: user };
    };
  };
  const overHttp =
    (port: number): Ask =>
    async (token) => {
      const response = await fetch(`http://127.0.0.1:${port}/verify`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const said = response.status === 200 ? 'valid' : ((await response.json()) as any).detail;
      return { verdict: said, user_id: response.headers.get('x-user-id')! };
    };

  beforeAll(async () => {
    rig = await openPlatform();
    const { platform } = rig;
    sidecar = await openSidecar(platform);
    signer = await openFileKeys(join(platform.dataDir, 'signing-keys.json'), 'RS256', platform.host.ports);
    Object.assign(doors, {
      'in process': validating(localDoor(platform.host)),
      'a Lambda authorizer': authorizing,
      REST: validating(http1Door(platform.http.url)),
      'a Lambda function': validating(lambdaDoor(platform.host)),
      'gRPC at the platform': overGrpc(platform.grpc.port),
      'gRPC at the sidecar': overGrpc(sidecar.grpc.port),
      'ext_authz at the platform': overEnvoy(platform.grpc.port),
      'ext_authz at the sidecar': overEnvoy(sidecar.grpc.port),
      'forward-auth at the platform': overHttp(platform.http.port),
      'forward-auth at the sidecar': overHttp(sidecar.http.port),
    });
  }, 60_000);
  afterAll(async () => {
    for (const close of closing) close();
    await sidecar?.stop();
    await rig?.close();
  });

  let unique = 0;
  /** A token of the platform's own key, as the vector wants it. */
  const mint = async (vector: Vector) => {
    unique += 1;
    const now = Math.floor(Date.now() / 1_000);
    const own = { sub: `user-${unique}`, sid: `session-${unique}`, jti: `token-${unique}` };
    const times = Object.fromEntries(Object.entries(vector.shift ?? {}).map(([name, by]) => [name, now + by]));
    const claims: Record<string, unknown> = {
      iss: 'http://localhost:8080',
      aud: 'perfect21',
      client_id: 'perfect21',
      gen: 1,
      iat: now,
      exp: now + 800,
      permissions: ['docs:read'],
      roles: ['user'],
      ...own,
      ...vector.claims,
      ...times,
      ...(vector.pad && { roles: ['x'.repeat(vector.pad)] }),
    };
    let signed = '';
    const { signature } = await signer.sign(({ kid, alg }) => {
      const header = { alg, kid, typ: 'at+jwt', ...vector.header };
      signed = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(claims))}`;
      return Buffer.from(signed);
    });
    if (vector.break) signature[0] = signature[0]! ^ 1;
    return { token: vector.text ?? `${signed}.${encode(signature)}${vector.suffix ?? ''}`, ...own };
  };
  const happen = async ({ then }: Vector, { sub, sid, jti }: { sub: string; sid: string; jti: string }) => {
    const created_at = Date.now();
    const all: Record<string, Revocation> = {
      jti: { kind: 'jti', value: jti, error: 'revoked', created_at },
      sid: { kind: 'sid', value: sid, error: 'session_ended', created_at },
      user: { kind: 'user', value: sub, generation: 2, error: 'session_ended', created_at },
      locked: { kind: 'user', value: sub, generation: 2, error: 'user_inactive', created_at },
      permissions: { kind: 'permissions', value: sub, generation: 2, created_at },
    };
    const { store, revocations, ids } = rig.platform.host.ports;
    await store.transact([toRevocationWrite(all[then!]!, ids.uuid())]);
    revocations.learn(all[then!]!);
  };

  test.each(VECTORS.map((vector) => [vector.name, vector] as const))('about %s', async (_, vector) => {
    const { token, ...own } = await mint(vector);
    if (vector.then) {
      // asked before, so that every door knows the token as a good one
      for (const ask of Object.values(doors)) expect((await ask(token)).verdict).toBe('valid');
      await happen(vector, own);
    }
    const user_id = vector.expect === 'valid' ? own.sub : '';
    for (const [door, ask] of Object.entries(doors)) {
      await vi.waitFor(
        async () => {
          const { verdict, user_id: user, warnings = vector.warnings ?? [] } = await ask(token);
          expect({ door, verdict, user, warnings }).toEqual({
            door,
            verdict: vector.expect,
            user: user_id,
            warnings: vector.warnings ?? [],
          });
        },
        { timeout: 1_500, interval: 10 },
      );
    }
  });
});
