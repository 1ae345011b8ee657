/** A platform and a sidecar that follows it, on ports of their own. */
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { loadSidecarConfig } from '../../shared/config/sidecar.ts';
import { type Sidecar, startSidecar } from '../../shared/process/sidecar.ts';
import { definitionOf } from '../e2e/doors/grpc.ts';
import { localDoor } from '../e2e/doors/local.ts';
import { worldOf } from '../e2e/matrix.ts';
import { loggedIn, type World } from '../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

export interface Rig {
  platform: TestPlatform;
  world: World;
  close(): Promise<void>;
}

export const openPlatform = async (env: Record<string, string> = {}): Promise<Rig> => {
  const platform = await testPlatform(env);
  return { platform, world: worldOf(platform, localDoor(platform.host)), close: () => platform.close() };
};

/** The environment of a sidecar that collides with nobody. */
export const sidecarEnvironment = (
  { http, grpc, credentials: { service_token: token } }: Pick<TestPlatform, 'http' | 'grpc' | 'credentials'>,
  more: Record<string, string> = {},
): Record<string, string> => ({
  SIDECAR_ORIGIN: http.url,
  SIDECAR_FEED: `grpc://127.0.0.1:${grpc.port}`,
  PERFECT21_SERVICE_TOKEN: token,
  PERFECT21_HTTP_PORT: '0',
  PERFECT21_GRPC_PORT: '0',
  PERFECT21_METRICS_PORT: '0',
  LOG_LEVEL: 'silent',
  NODE_ENV: 'production',
  ...more,
});

export const openSidecar = (platform: TestPlatform, more: Record<string, string> = {}): Promise<Sidecar> =>
  startSidecar(loadSidecarConfig(sidecarEnvironment(platform, more)));

/** A sidecar that ends with the test. */
export const sidecarFor = async (platform: TestPlatform, more: Record<string, string> = {}): Promise<Sidecar> => {
  const sidecar = await openSidecar(platform, more);
  onTestFinished(() => sidecar.stop());
  return sidecar;
};

/** Calls methods by a client that knows the proto files. */
export const grpcCaller = (target: string | number) => {
  const client = new Client(typeof target === 'number' ? `127.0.0.1:${target}` : target, credentials.createInsecure());
  return {
    client,
    close: () => client.close(),
    call: (method: string, message: object, token?: string): Promise<any> =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = definitionOf(method);
        const metadata = new Metadata();
        if (token) metadata.set('authorization', `Bearer ${token}`);
        const deadline = Date.now() + 15_000;
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          message,
          metadata,
          { deadline },
          (error: ServiceError | null, answer: any) => (error ? reject(error) : resolve(answer)),
        );
      }),
  };
};

export const VALIDATE = 'perfect21.auth.AuthService/ValidateToken';
export const CHECK = 'envoy.service.auth.v3.Authorization/Check';
export const CHECK_PERMISSION = 'perfect21.permission.PermissionService/CheckPermission';
export const CHECK_PERMISSIONS = 'perfect21.permission.PermissionService/BatchCheckPermissions';

/** Envoy's question about a request with these header fields. */
export const envoyQuestion = (headers: Record<string, string>, extensions: Record<string, string> = {}) => ({
  attributes: {
    request: { http: { id: '1', method: 'GET', path: '/things?x=1', host: 'app', headers } },
    context_extensions: extensions,
  },
});

export const adminToken = async ({
  world,
}: Rig): Promise<{ access_token: string; user_id: string; session_id: string }> =>
  loggedIn(world, world.admin.email, { password: world.admin.password });
