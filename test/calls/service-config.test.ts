/** The service config for clients of other languages, in the one library of those that npm has. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, makeGenericClientConstructor, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { AuthServiceService } from '../../proto/gen/auth_service.ts';
import { CLIENTS } from '../../shared/calls/clients/methods.ts';

const config = readFileSync(join(import.meta.dirname, '../../proto/perfect21.json'), 'utf8');
const { methodConfig } = JSON.parse(config) as {
  methodConfig: { name: { service: string; method?: string }[]; timeout: string; retryPolicy?: object }[];
};

test('every method that it names is there, batches with twice the time', () => {
  const known = Object.values(CLIENTS).flatMap(({ definition }) => Object.values(definition).map(({ path }) => path));
  for (const { name, timeout } of methodConfig) {
    for (const { service, method } of name) {
      if (method) expect(known).toContain(`/${service}/${method}`);
      expect([method, timeout]).toEqual([method, method?.startsWith('Batch') ? '10s' : '5s']);
    }
  }
});

test('a method that changes nothing is tried again where a service is away, any other once', async () => {
  const asked: string[] = [];
  const server = new Server();
  const away = (name: string) => (_: unknown, respond: (error: object | null, answer?: object) => void) => {
    asked.push(name);
    if (asked.filter((each) => each === name).length > 1) respond(null, {});
    else respond({ code: status.UNAVAILABLE });
  };
  const methods = Object.keys(AuthServiceService);
  server.addService(AuthServiceService, Object.fromEntries(methods.map((name) => [name, away(name)])) as never);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, at) =>
      error ? reject(error) : resolve(at),
    ),
  );
  const client = new (makeGenericClientConstructor(AuthServiceService as never, 'AuthService'))(
    `127.0.0.1:${port}`,
    credentials.createInsecure(),
    { 'grpc.service_config': config },
  );
  onTestFinished(() => {
    client.close();
    server.forceShutdown();
  });
  const code = (method: string) =>
    new Promise((resolve) => client[method]!({}, (error: { code: number } | null) => resolve(error?.code ?? 0)));
  expect(await code('validateToken')).toBe(status.OK);
  expect(await code('refreshToken')).toBe(status.UNAVAILABLE);
  expect(asked).toEqual(['validateToken', 'validateToken', 'refreshToken']);
});
