import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Client, credentials, loadPackageDefinition, status } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer, loadSync } from '@grpc/proto-loader';
import { describe, expect, test } from 'vitest';
import { methodsOf } from '../../../shared/doors/grpc/descriptors.ts';
import { rawCall } from './raw-call.ts';
import { PLATFORM_TOKEN, startRig } from './rig.ts';

const { resolve } = createRequire(import.meta.url);
const LOADER = { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true };
const load = (pkg: string, file: string): any =>
  loadPackageDefinition(loadSync(join(dirname(resolve(`${pkg}/package.json`)), file), LOADER));
const healthOf = (port: number) => {
  const { Health } = load('grpc-health-check', 'proto/health/v1/health.proto').grpc.health.v1;
  return new Health(`127.0.0.1:${port}`, credentials.createInsecure());
};
const check = (health: any, service: string) =>
  new Promise<string>((done) =>
    health.check({ service }, (error: any, answer: any) => done(error ? status[error.code]! : answer.status)),
  );

describe('health', () => {
  test('follows readiness, for the whole and for each service that is served', async () => {
    let ready = true;
    await using rig = await startRig({
      ready: async () => {
        if (!ready) throw new Error('the store is away');
      },
    });
    const health = healthOf(rig.door.port);
    expect(await check(health, '')).toBe('SERVING');
    expect(await check(health, 'perfect21.auth.AuthService')).toBe('SERVING');
    expect(await check(health, 'no.such.Service')).toBe('NOT_FOUND');
    ready = false;
    expect(await check(health, '')).toBe('NOT_SERVING');
    expect(await check(health, 'perfect21.user.UserService')).toBe('NOT_SERVING');
    ready = true;
    expect(await check(health, '')).toBe('SERVING');
    health.close();
  });

  test('does not know a service of proto/ of which no method is answered here', async () => {
    await using rig = await startRig();
    const health = healthOf(rig.door.port);
    expect(await check(health, 'perfect21.user.UserService')).toBe('SERVING');
    expect(await check(health, 'perfect21.permission.PermissionService')).toBe('NOT_FOUND');
    health.close();
  });

  test('tells watchers that the server stops, and does not wait for them', async () => {
    const rig = await startRig();
    const health = healthOf(rig.door.port);
    const seen: string[] = [];
    const watch = health.watch({ service: '' });
    const ended = new Promise<any>((done) => watch.on('error', done));
    await new Promise<void>((done) =>
      watch.on('data', (answer: { status: string }) => {
        seen.push(answer.status);
        if (answer.status === 'SERVING') done();
      }),
    );
    const started = Date.now();
    await rig.door.stop();
    expect(Date.now() - started).toBeLessThan(2_000);
    expect((await ended).code).toBe(status.UNAVAILABLE);
    expect(seen.at(-1)).toBe('NOT_SERVING');
    health.close();
    await rig[Symbol.asyncDispose]();
  });
});

/** One question to the reflection service, as a generic client asks it. */
const reflect = (port: number, version: 'v1' | 'v1alpha', request: object) => {
  const file = `build/proto/grpc/reflection/${version}/reflection.proto`;
  const { ServerReflection } = load('@grpc/reflection', file).grpc.reflection[version];
  const client = new ServerReflection(`127.0.0.1:${port}`, credentials.createInsecure());
  return new Promise<any>((done, fail) => {
    const stream = client.ServerReflectionInfo();
    stream.on('data', (answer: any) => {
      stream.end();
      client.close();
      done(answer);
    });
    stream.on('error', fail);
    stream.write(request);
  });
};

describe.each(['v1', 'v1alpha'] as const)('reflection %s', (version) => {
  test('lists the services', async () => {
    await using rig = await startRig();
    const answer = await reflect(rig.door.port, version, { list_services: '*' });
    expect(answer.list_services_response.service.map(({ name }: { name: string }) => name).sort()).toEqual([
      'grpc.health.v1.Health',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
      'perfect21.auth.AuthService',
      'perfect21.user.UserService',
    ]);
  });

  test('tells of the methods that are answered, and of no others', async () => {
    await using rig = await startRig();
    const told: string[] = [];
    for (const name of ['perfect21.auth.AuthService', 'perfect21.user.UserService']) {
      const answer = await reflect(rig.door.port, version, { file_containing_symbol: name });
      const set = new BinaryWriter();
      for (const file of answer.file_descriptor_response.file_descriptor_proto) {
        set.tag(1, WireType.LengthDelimited).bytes(file);
      }
      told.push(...methodsOf(set.finish()).filter((method) => method.startsWith(`${name}/`)));
    }
    const answered = Object.values(rig.ops).flatMap(({ rpc }) => rpc.map(({ method }) => method));
    expect(told.sort()).toEqual(answered.sort());
    for (const method of told) {
      expect([method, (await rig.call(`/${method}`, Buffer.alloc(0))).code]).not.toEqual([
        method,
        status.UNIMPLEMENTED,
      ]);
    }
    const none = await reflect(rig.door.port, version, {
      file_containing_symbol: 'perfect21.permission.PermissionService',
    });
    expect(none.error_response?.error_code).toBe(status.NOT_FOUND);
  });

  test('is enough for a client that knows nothing to call a method', async () => {
    await using rig = await startRig();
    const answer = await reflect(rig.door.port, version, { file_containing_symbol: 'perfect21.auth.AuthService' });
    const set = new BinaryWriter();
    for (const file of answer.file_descriptor_response.file_descriptor_proto) {
      set.tag(1, WireType.LengthDelimited).bytes(file);
    }
    const loaded: any = loadPackageDefinition(loadFileDescriptorSetFromBuffer(Buffer.from(set.finish()), LOADER));
    const client = new loaded.perfect21.auth.AuthService(`127.0.0.1:${rig.door.port}`, credentials.createInsecure());
    const valid = await new Promise<any>((done, fail) =>
      client.ValidateToken({ token: 't' }, (error: unknown, value: any) => (error ? fail(error) : done(value))),
    );
    expect(valid).toMatchObject({ valid: true, user_id: 'u1', expires_at: 1_900_000_000 });
    client.close();
  });
});

describe('a stop', () => {
  test('lets calls in flight finish and refuses new ones', async () => {
    await using rig = await startRig();
    const waiting = rig.call('/perfect21.internal.sessions/wait', Buffer.from('{}'), { token: PLATFORM_TOKEN });
    await rig.entered;
    const stopped = rig.door.stop();
    const late = new Client(`127.0.0.1:${rig.door.port}`, credentials.createInsecure());
    expect((await rawCall(late, '/perfect21.auth.AuthService/ValidateToken', Buffer.alloc(0))).code).toBe(
      status.UNAVAILABLE,
    );
    rig.release();
    const answer = await waiting;
    expect(JSON.parse(answer.message!.toString())).toEqual({ waited: true });
    await stopped;
    late.close();
  });

  test('of a door that never opened leaves nothing behind', async () => {
    await using rig = await startRig();
    await expect(startRig({ port: rig.door.port })).rejects.toThrow(/address/i);
  });
});
