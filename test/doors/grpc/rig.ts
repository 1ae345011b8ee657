/** A platform small enough to see through: a few operations, fake ports, and raw calls over a real connection. */
import { Client, credentials } from '@grpc/grpc-js';
import { type GrpcDoor, type GrpcOptions, startGrpc } from '../../../shared/doors/grpc/grpc.ts';
import type { ServerTls } from '../../../shared/grpc/tls.ts';
import { callLocal, type Host } from '../../../shared/kit/invoke.ts';
import { type Service, service } from '../../../shared/kit/service.ts';
import { fixed, type Live } from '../../../shared/system/live.ts';
import { operations } from './operations.ts';
import { type Answer, type CallOptions, rawCall } from './raw-call.ts';

export const PLATFORM_TOKEN = 'p21s_platform_secret';
export const READER_TOKEN = 'p21s_reader_secret';
export const USER_TOKEN = 'eyJ.user.token';

const SERVICES: Record<string, { name: string; permissions: string[] }> = {
  [PLATFORM_TOKEN]: { name: 'platform', permissions: ['*:*:*'] },
  [READER_TOKEN]: { name: 'reader', permissions: ['users:read'] },
};

export interface Rig extends AsyncDisposable {
  door: GrpcDoor;
  host: Host;
  /** What was logged as an error. */
  logged: { code: string; fields: any }[];
  /** What was counted: metric and labels. */
  counted: Record<string, string>[];
  /** Contexts of the operations that ran. */
  contexts: any[];
  /** Lets `sessions.wait` go on. */
  release: () => void;
  /** Resolves when `sessions.wait` was entered. */
  entered: Promise<void>;
  call: (path: string, message: Uint8Array, options?: CallOptions) => Promise<Answer>;
}

/** Starts a door on a free port of this machine. Dispose it. */
export const startRig = async ({
  tls,
  ...options
}: Partial<Omit<GrpcOptions, 'tls'>> & { tls?: ServerTls | Live<ServerTls> } = {}): Promise<
  Rig & { ops: ReturnType<typeof operations> }
> => {
  const logged: Rig['logged'] = [];
  const contexts: any[] = [];
  const counted: Rig['counted'] = [];
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  let ids = 0;
  const log = { debug() {}, info() {}, warn() {}, error: (code: string, fields: any) => logged.push({ code, fields }) };
  const ports = {
    clock: { now: () => 0 },
    ids: { uuid: () => `id-${++ids}`, random: () => 'r' },
    log,
    metrics: {
      count: (name: string, labels: Record<string, string>) => counted.push({ name, ...labels }),
      observe() {},
      gauge() {},
    },
    store: {},
    serviceTokens: { verify: async (token: string) => SERVICES[token] },
    verifier: {
      verify: async (token: string) =>
        token === USER_TOKEN
          ? {
              valid: true,
              claims: { sub: 'u1', sid: 's', jti: 'j', gen: 1, exp: 1, permissions: ['*:*:*'], roles: [] },
            }
          : { valid: false, error: 'malformed' },
    },
  } as unknown as Host['ports'];
  const host: Host = { ports, call: (callee, input, context) => callLocal(host, callee, input, context) };
  const ops = operations({
    contexts,
    wait: () => {
      entered.resolve();
      return gate.promise;
    },
  });
  const services: Service[] = [
    service('auth', [ops.validateToken, ops.validateCredentials, ops.refresh]),
    service('users', [ops.getUser, ops.setStatus]),
    service('permissions', []),
    service('sessions', [ops.wait, ops.read, ops.change]),
  ];
  const door = await startGrpc(host, services, {
    port: 0,
    ...options,
    ...(tls && { tls: 'onChange' in tls ? tls : fixed(tls) }),
  });
  const client = new Client(`127.0.0.1:${door.port}`, credentials.createInsecure());
  return {
    door,
    host,
    ops,
    logged,
    contexts,
    counted,
    release: gate.resolve,
    entered: entered.promise,
    call: (path, message, callOptions) => rawCall(client, path, message, callOptions),
    [Symbol.asyncDispose]: async () => {
      gate.resolve();
      client.close();
      await door.stop();
    },
  };
};

/** Context of a call that starts here. */
export const context = (more: object = {}) => ({
  request_id: 'req-1',
  trace: { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331', sampled: true },
  caller: { kind: 'anonymous' as const },
  client: { ip: '203.0.113.9', user_agent: 'browser/1 é' },
  door: 'http' as const,
  ...more,
});
