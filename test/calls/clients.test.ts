import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { platform } from '../../functions/index.ts';
import { AuthServiceService } from '../../proto/gen/auth_service.ts';
import { UserServiceService } from '../../proto/gen/user_service.ts';
import { onlyReads } from '../../shared/calls/callee.ts';
import { type ConnectOptions, connect } from '../../shared/calls/clients/connect.ts';
import { CLIENTS, SAFE } from '../../shared/calls/clients/methods.ts';
import { onward } from '../../shared/calls/clients/onward.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { reach } from '../../shared/kit/reach.ts';
import { testPlatform } from '../support/platform.ts';
import { LIARS, PEERS } from './peers.ts';

type Call = ServerUnaryCall<any, any>;

/** An instance whose methods do what the test says. */
const instance = async (
  answer: (call: Call, respond: sendUnaryData<any>) => void = (_, respond) => respond(null, { valid: true }),
) => {
  const server = new Server();
  const calls: Call[] = [];
  const handle = (call: Call, respond: sendUnaryData<any>): void => {
    calls.push(call);
    answer(call, respond);
  };
  for (const definition of [AuthServiceService, UserServiceService] as any[])
    server.addService(definition, Object.fromEntries(Object.keys(definition).map((name) => [name, handle])));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  onTestFinished(() => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, calls, server };
};

const clientOf = (addresses: readonly string[], more: Partial<ConnectOptions> = {}) => {
  const names = ['auth-service', 'user-service', 'permission-service'];
  const client = connect({ discovery: Object.fromEntries(names.map((name) => [name, addresses])), ...more });
  onTestFinished(() => client.close());
  return client;
};
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'answered',
    (thrown) => (thrown instanceof AppError ? thrown.code : `strange: ${thrown}`),
  );

describe('typed clients', () => {
  test('call a real platform over its proto, with a service token', async () => {
    const running = await testPlatform();
    onTestFinished(() => running.close());
    const { auth, users, permissions } = clientOf([`127.0.0.1:${running.grpc.port}`], {
      token: () => running.credentials.service_token,
    });
    const { admin } = running.credentials;
    const proven = await auth.validateCredentials({ identifier: admin.email, password: admin.password });
    expect(proven).toMatchObject({ valid: true });
    const user_id = proven.user_id!;
    expect((await users.getUser({ user_id })).user).toMatchObject({ email: admin.email });
    const allowed = await permissions.checkPermission({ user_id, resource: 'users', action: 'read' });
    expect(allowed).toMatchObject({ allowed: true });
    expect(await auth.validateToken({ token: 'x.y.z' })).toMatchObject({ valid: false, error_message: 'malformed' });
    const missing = users.getUser({ user_id: 'nobody' });
    await expect(missing).rejects.toMatchObject({ name: 'AppError', code: 'not_found' });
    const stranger = clientOf([`127.0.0.1:${running.grpc.port}`]);
    expect(await codeOf(stranger.users.getUser({ user_id }))).not.toBe('answered');
  }, 30_000);

  test('what may be tried twice are the methods that read, and two that only note', () => {
    const operations = platform.flatMap((service) => service.operations);
    const unaries = new Set(
      Object.values(CLIENTS).flatMap(({ definition }) => Object.values(definition).map(({ path }) => path.slice(1))),
    );
    const notes = new Set(['client_changes', 'recent_decisions']);
    const safe = operations
      .filter((op) => onlyReads(op) || (!reach(op).emits && [...reach(op).writes].every((name) => notes.has(name))))
      .flatMap(({ rpc }) => rpc.map(({ method }) => method))
      .filter((method) => unaries.has(method));
    expect([...SAFE].sort()).toEqual(safe.sort());
  });

  test('hand on token, trace, request id and deadline', async () => {
    const one = await instance();
    const { auth } = clientOf([one.address], { token: 'p21s_x' });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const deadline = Date.now() + 3_000;
    await auth.refreshToken({}, { traceparent, request_id: 'r-1', deadline });
    const [call] = one.calls;
    expect(call!.metadata.get('authorization')).toEqual(['Bearer p21s_x']);
    expect(call!.metadata.get('x-request-id')).toEqual(['r-1']);
    expect(String(call!.metadata.get('traceparent'))).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    );
    expect(Math.abs(Number(call!.getDeadline()) - deadline)).toBeLessThan(1_000);
  });

  test('a server that calls on for a call hands on its deadline, its end and its trace', async () => {
    const last = await instance(() => {});
    const { auth } = clientOf([last.address]);
    const ended: string[] = [];
    const middle = await instance(
      (call) => void codeOf(auth.validateToken({}, onward(call))).then((code) => ended.push(code)),
    );
    const gone = new AbortController();
    const { users } = clientOf([middle.address]);
    const first = codeOf(users.verifyPassword({}, { signal: gone.signal, timeout_ms: 4_000, request_id: 'r-2' }));
    await expect.poll(() => last.calls.length).toBe(1);
    const [call] = last.calls;
    expect(call!.metadata.get('x-request-id')).toEqual(['r-2']);
    expect(Number(call!.getDeadline())).toBeLessThanOrEqual(Date.now() + 4_500);
    gone.abort();
    expect(await first).toBe('cancelled');
    await expect.poll(() => call!.cancelled).toBe(true);
    await expect.poll(() => ended).toEqual(['cancelled']);
  });

  test('try again what reads, at another instance; what changes something is tried once', async () => {
    const refusing = () => instance((_, respond) => respond({ code: status.UNAVAILABLE, details: 'not now' }));
    const [bad, good] = [await refusing(), await instance()];
    const { auth } = clientOf([bad.address, good.address]);
    expect(await codeOf(auth.validateToken({}))).toBe('answered');
    expect([bad.calls.length, good.calls.length]).toEqual([1, 1]);
    const other = await refusing();
    const lone = clientOf([other.address]);
    expect(await codeOf(lone.auth.refreshToken({}))).toBe('unavailable');
    expect(other.calls).toHaveLength(1);
    expect(await codeOf(lone.auth.validateToken({}))).toBe('unavailable');
    expect(other.calls).toHaveLength(4);
  });

  test('stop trying again when most calls fail', async () => {
    const bad = await instance((_, respond) => respond({ code: status.UNAVAILABLE, details: 'not now' }));
    const { auth } = clientOf([bad.address]);
    await Promise.all(Array.from({ length: 30 }, () => codeOf(auth.validateToken({}))));
    // three tries each would be 90
    expect(bad.calls.length).toBeLessThan(45);
    const before = bad.calls.length;
    await codeOf(auth.validateToken({}));
    expect(bad.calls.length).toBe(before + 1);
  });

  test('ask a second instance when the first is late, take the first answer, and give the other call up', async () => {
    const [slow, quick] = [await instance(() => {}), await instance()];
    const ejected: string[] = [];
    const { auth } = clientOf([slow.address, quick.address], { ejected: (_, address) => ejected.push(address) });
    for (let call = 0; call < 8; call++)
      expect(await codeOf(auth.validateToken({}, { hedge_ms: 20, timeout_ms: 4_000 }))).toBe('answered');
    expect(slow.calls.length).toBeGreaterThan(0);
    await expect.poll(() => slow.calls.every((call) => call.cancelled)).toBe(true);
    expect(ejected).toEqual([]);
    const changing = await instance(() => {});
    const lone = clientOf([changing.address, quick.address]);
    expect(await codeOf(lone.auth.refreshToken({}, { hedge_ms: 20, timeout_ms: 300 }))).toBe('deadline_exceeded');
  });
});

describe('no call outlasts its deadline', () => {
  const LIMIT_MS = 600;
  const SLACK_MS = 400;
  for (const [name, peer] of Object.entries({ ...PEERS, ...LIARS })) {
    test(`with a peer ${name}`, async () => {
      const { auth } = clientOf([await peer()]);
      const began = performance.now();
      const options = { timeout_ms: LIMIT_MS };
      const codes = await Promise.all([
        codeOf(auth.validateToken({ token: 'a' }, options)),
        codeOf(auth.refreshToken({ refresh_token: 'a' }, options)),
        codeOf(auth.batchValidateTokens({ tokens: ['a'] }, { ...options, hedge_ms: 50 })),
      ]);
      expect(performance.now() - began).toBeLessThan(LIMIT_MS + SLACK_MS);
      for (const code of codes) expect(['unavailable', 'deadline_exceeded', 'internal']).toContain(code);
    });
  }

  for (const [name, peer] of Object.entries(PEERS)) {
    test(`beside a good instance a peer ${name} keeps nobody from being answered`, async () => {
      const good = await instance();
      const { auth } = clientOf([await peer(), good.address]);
      const calls = Array.from({ length: 8 }, () =>
        codeOf(auth.validateToken({}, { timeout_ms: 4_000, hedge_ms: 100 })),
      );
      expect(await Promise.all(calls)).toEqual(calls.map(() => 'answered'));
    }, 10_000);
  }

  test('an instance that is killed under calls fails those that changed something, and no others', async () => {
    const [doomed, good] = [await instance(() => {}), await instance()];
    const { auth } = clientOf([doomed.address, good.address]);
    const reads = Array.from({ length: 6 }, () => codeOf(auth.validateToken({})));
    await expect.poll(() => doomed.calls.length).toBe(3);
    doomed.server.forceShutdown();
    expect(await Promise.all(reads)).toEqual(reads.map(() => 'answered'));
  });
});
