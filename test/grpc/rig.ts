/** A platform small enough to see through: a few operations, fake ports, and raw calls over a real connection. */
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import * as z from 'zod';
import { AppError } from '../../shared/errors.ts';
import { callLocal, type Host } from '../../shared/invoke.ts';
import { eventType } from '../../shared/messaging/event.ts';
import { operation, type Service, service } from '../../shared/operation.ts';
import { type GrpcDoor, type GrpcOptions, startGrpc } from '../../shared/runtime/grpc.ts';

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

export interface CallOptions {
  metadata?: Record<string, string>;
  token?: string;
  deadline?: number;
}

export interface Answer {
  code: number;
  details: string;
  message?: Buffer;
  headers: Metadata;
  trailers: Metadata;
}

const bytes = (buffer: Buffer) => buffer;

/** One raw unary call; the failure is an answer too. */
export const rawCall = (
  client: Client,
  path: string,
  message: Uint8Array,
  options: CallOptions = {},
): Promise<Answer> =>
  new Promise((resolve) => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
    if (options.token) metadata.set('authorization', `Bearer ${options.token}`);
    let headers = new Metadata();
    const deadline = options.deadline === undefined ? undefined : Date.now() + options.deadline;
    const call = client.makeUnaryRequest(
      path,
      bytes,
      bytes,
      Buffer.from(message),
      metadata,
      { deadline },
      (error: ServiceError | null, answer?: Buffer) =>
        resolve({
          code: error?.code ?? 0,
          details: error?.details ?? '',
          message: answer,
          headers,
          trailers: error?.metadata ?? new Metadata(),
        }),
    );
    call.on('metadata', (received: Metadata) => {
      headers = received;
    });
  });

const happened = eventType({ type: 'test.happened', key: 'test.events.happened', data: z.strictObject({}) });

/** Operations by the methods that they answer. */
export const operations = (rig: { contexts: any[]; wait: () => Promise<void> }) => {
  const validateToken = operation({
    name: 'auth.validate-token',
    summary: 'Echoes what it understood',
    rpc: { method: 'perfect21.auth.AuthService/ValidateToken' },
    access: 'public',
    input: z.strictObject({
      token: z.string(),
      client_ip: z.string().max(64).optional(),
      user_agent: z.string().optional(),
      device_info: z.record(z.string(), z.string()).default({}),
    }),
    output: z.object({
      valid: z.boolean(),
      user_id: z.string(),
      expires_at: z.number(),
      warnings: z.array(z.string()),
    }),
    run: (_, input, context) => {
      rig.contexts.push(context);
      return { valid: true, user_id: 'u1', expires_at: 1_900_000_000, warnings: [JSON.stringify(input)] };
    },
  });
  const validateCredentials = operation({
    name: 'auth.validate-credentials',
    summary: 'A wrong password is an answer',
    rpc: {
      method: 'perfect21.auth.AuthService/ValidateCredentials',
      failure: (code) => (code === 'invalid_credentials' ? { valid: false, error_message: code } : undefined),
    },
    access: 'service',
    errors: ['invalid_credentials', 'too_many_requests'],
    input: z.object({ identifier: z.string(), password: z.string() }),
    output: z.object({ valid: z.boolean() }),
    run: (_, { identifier }) => {
      if (identifier === 'flood') throw new AppError('too_many_requests', { retry_after: 7 });
      throw new AppError('invalid_credentials');
    },
  });
  const refresh = operation({
    name: 'auth.refresh',
    summary: 'Public over HTTP, for services over gRPC',
    rpc: { method: 'perfect21.auth.AuthService/RefreshToken' },
    access: 'public',
    input: z.object({ refresh_token: z.string() }),
    output: z.object({ access_token: z.string() }),
    run: () => ({ access_token: 'new' }),
  });
  const getUser = operation({
    name: 'users.get-user',
    summary: 'Wants a permission',
    rpc: { method: 'perfect21.user.UserService/GetUser', response: (user) => ({ user }) },
    access: 'users:read',
    errors: ['not_found'],
    input: z
      .strictObject({ user_id: z.string().max(8), email: z.email() })
      .partial()
      .extend({ fields: z.array(z.enum(['id', 'email'])).optional() }),
    output: z.object({ id: z.string(), created_at: z.number() }),
    run: (_, { user_id }, context) => {
      rig.contexts.push(context);
      if (user_id === 'none') throw new AppError('not_found', { detail: 'No user has this id' });
      if (user_id === 'bug') throw new Error('secret cause');
      return { id: user_id ?? '', created_at: 1_700_000_000 };
    },
  });
  const setStatus = operation({
    name: 'users.set-status',
    summary: 'Wants another permission',
    rpc: { method: 'perfect21.user.UserService/UpdateUserStatus', response: () => ({}) },
    access: 'users:write',
    input: z.object({ user_id: z.string(), status: z.number() }),
    output: z.object({}),
    run: () => ({}),
  });
  const wait = operation({
    name: 'sessions.wait',
    summary: 'Answers when told to',
    access: 'service',
    input: z.object({}),
    output: z.object({ waited: z.boolean() }),
    run: async () => {
      await rig.wait();
      return { waited: true };
    },
  });
  const read = operation({
    name: 'sessions.read',
    summary: 'Only reads',
    access: 'service',
    input: z.strictObject({ id: z.string().min(2), list: z.array(z.number()).optional() }),
    output: z.object({ id: z.string(), nothing: z.string().optional() }),
    errors: ['conflict', 'already_exists'],
    run: (_, { id }, context) => {
      rig.contexts.push(context);
      if (id === 'taken') throw new AppError('already_exists', { detail: 'Taken', retry_after: 3 });
      if (id === 'away') throw new AppError('unavailable');
      return { id };
    },
  });
  const change = operation({
    name: 'sessions.change',
    summary: 'Has an effect',
    access: 'service',
    input: z.object({}),
    output: z.undefined(),
    emits: [happened],
    run: (_, __, context) => {
      rig.contexts.push(context);
      throw new AppError('unavailable');
    },
  });
  return { validateToken, validateCredentials, refresh, getUser, setStatus, wait, read, change };
};

/** Starts a door on a free port of this machine. Dispose it. */
export const startRig = async (
  options: Partial<GrpcOptions> = {},
): Promise<Rig & { ops: ReturnType<typeof operations> }> => {
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
  const door = await startGrpc(host, services, { port: 0, ...options });
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
