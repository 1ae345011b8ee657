import dns from 'node:dns';
import { createServer } from 'node:net';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type RemoteOptions, remoteCaller } from '../../shared/calls/remote.ts';
import { internalPath } from '../../shared/grpc/internal.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { fixed } from '../../shared/system/live.ts';
import { authority } from '../doors/grpc/certificates.ts';
import { operations } from '../doors/grpc/operations.ts';
import { context, PLATFORM_TOKEN, READER_TOKEN, startRig } from '../doors/grpc/rig.ts';

const shared = operations({ contexts: [], wait: async () => {} });
const ops = {
  ...shared,
  batch: {
    ...shared.read,
    name: 'sessions.batch' as const,
    rpc: [{ method: 'perfect21.auth.AuthService/BatchValidateTokens' }],
  } as typeof shared.read,
};

const remoteTo = (addresses: string[], more: Partial<RemoteOptions> = {}) => {
  const remote = remoteCaller({ discovery: { 'session-service': addresses }, token: PLATFORM_TOKEN, ...more });
  return { ...remote, [Symbol.dispose]: () => remote.close() };
};
const at = (rig: { door: { port: number } }) => `127.0.0.1:${rig.door.port}`;

const failureOf = (call: Promise<unknown>): Promise<AppError> =>
  call.then(
    () => expect.fail('it answered'),
    (thrown) => {
      expect(thrown).toBeInstanceOf(AppError);
      return thrown as AppError;
    },
  );

/** A port on which nobody listens. */
const deadAddress = () =>
  new Promise<string>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(`127.0.0.1:${port}`));
    });
  });

/** An instance that answers internal calls of `sessions` as told, and counts them. */
const fakeInstance = async (
  answer: () => { code: status; details: string } | 'never' | undefined,
  place = '127.0.0.1:0',
) => {
  const server = new Server();
  let calls = 0;
  const deadlines: number[] = [];
  for (const op of [ops.read, ops.change, ops.batch]) {
    const bytes = (buffer: Buffer) => buffer;
    const handler = (call: any, respond: any) => {
      calls++;
      deadlines.push(Number(call.getDeadline()) - Date.now());
      const error = answer();
      if (error === 'never') return;
      respond(error ?? null, Buffer.from('{"id":"fake"}'));
    };
    server.register(internalPath(op), handler, bytes, bytes, 'unary');
  }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(place, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return {
    address: `127.0.0.1:${port}`,
    calls: () => calls,
    deadlines,
    [Symbol.dispose]: () => server.forceShutdown(),
  };
};

describe('a call to a service that runs apart', () => {
  test('answers what the operation answers', async () => {
    await using rig = await startRig();
    using remote = remoteTo([at(rig)]);
    expect(await remote.call(ops.read, { id: 'abc', list: [1, 2] }, context())).toEqual({ id: 'abc' });
  });

  test('hands on request id, trace, client and deadline, and calls as the platform', async () => {
    await using rig = await startRig();
    using remote = remoteTo([at(rig)]);
    const deadline = Date.now() + 1_000;
    await remote.call(ops.read, { id: 'abc' }, context({ deadline }));
    const seen = rig.contexts.at(-1);
    expect(seen).toMatchObject({
      request_id: 'req-1',
      trace: { trace_id: '0af7651916cd43dd8448eb211c80319c', parent_id: 'b7ad6b7169203331' },
      client: { ip: '203.0.113.9', user_agent: 'browser/1 é' },
      caller: { kind: 'service', name: 'platform' },
    });
    expect(Math.abs(seen.deadline - deadline)).toBeLessThan(200);
  });

  test('throws what the operation throws: code, detail, retry', async () => {
    await using rig = await startRig();
    using remote = remoteTo([at(rig)]);
    expect(await failureOf(remote.call(ops.read, { id: 'taken' }, context()))).toMatchObject({
      code: 'already_exists',
      detail: 'Taken',
      retryAfter: 3,
    });
  });

  test('throws field errors of a refused input', async () => {
    await using rig = await startRig();
    using remote = remoteTo([at(rig)]);
    const error = await failureOf(remote.call(ops.read, { id: 'x', more: 1 }, context()));
    expect(error.code).toBe('invalid_request');
    expect(error.errors!.map(({ path }) => path)).toEqual(['id', 'more']);
  });

  test('goes over TLS where there is a certificate to trust', async () => {
    const own = authority();
    await using rig = await startRig({ tls: own.issue('IP:127.0.0.1') });
    using remote = remoteTo([at(rig)], { tls: fixed({ ca: own.ca }) });
    expect(await remote.call(ops.read, { id: 'abc' }, context())).toEqual({ id: 'abc' });
  });

  test('with a token that may not, is our fault and not that of who called us', async () => {
    await using rig = await startRig();
    for (const token of ['p21s_wrong', READER_TOKEN]) {
      using remote = remoteTo([at(rig)], { token });
      const error = await failureOf(remote.call(ops.read, { id: 'abc' }, context()));
      expect(error.code).toBe('internal');
    }
  });

  test('ends when the deadline of the first caller passes', async () => {
    await using rig = await startRig();
    using remote = remoteTo([at(rig)]);
    const error = await failureOf(remote.call(ops.wait, {}, context({ deadline: Date.now() + 100 })));
    expect(error.code).toBe('deadline_exceeded');
    const late = await failureOf(remote.call(ops.read, { id: 'abc' }, context({ deadline: Date.now() - 1 })));
    expect(late.code).toBe('deadline_exceeded');
  });
});

describe('addresses', () => {
  test('are taken in turn', async () => {
    using one = await fakeInstance(() => undefined);
    using two = await fakeInstance(() => undefined);
    using remote = remoteTo([one.address, two.address]);
    for (let i = 0; i < 6; i++) await remote.call(ops.read, { id: 'abc' }, context());
    expect([one.calls(), two.calls()]).toEqual([3, 3]);
  });

  test('that are not known make the service unavailable; its name stays in the cause', async () => {
    using remote = remoteTo([]);
    const error = await failureOf(remote.call(ops.read, { id: 'abc' }, context()));
    expect(error.code).toBe('unavailable');
    expect(error.detail).toBeUndefined();
    expect(String(error.cause)).toContain('session-service');
  });

  test('where nobody listens make the service unavailable, soon', async () => {
    using remote = remoteTo([await deadAddress()]);
    const started = Date.now();
    const error = await failureOf(remote.call(ops.change, {}, context()));
    expect(error.code).toBe('unavailable');
    expect(Date.now() - started).toBeLessThan(2_000);
  });

  test('where nobody listens are stepped over, also for a change: it was never sent', async () => {
    using alive = await fakeInstance(() => undefined);
    using remote = remoteTo([await deadAddress(), alive.address]);
    expect(await remote.call(ops.change, {}, context())).toEqual({ id: 'fake' });
    expect(alive.calls()).toBe(1);
  });
});

describe('another try', () => {
  const away = { code: status.UNAVAILABLE, details: 'away' };

  test('is made twice for an operation that only reads', async () => {
    using instance = await fakeInstance(() => away);
    using remote = remoteTo([instance.address]);
    expect((await failureOf(remote.call(ops.read, { id: 'abc' }, context()))).code).toBe('unavailable');
    expect(instance.calls()).toBe(3);
  });

  test('may succeed', async () => {
    let first = true;
    using instance = await fakeInstance(() => {
      const answer = first ? away : undefined;
      first = false;
      return answer;
    });
    using remote = remoteTo([instance.address]);
    expect(await remote.call(ops.read, { id: 'abc' }, context())).toEqual({ id: 'fake' });
  });

  test('is not made for an operation with effects once it was sent', async () => {
    using instance = await fakeInstance(() => away);
    using remote = remoteTo([instance.address]);
    expect((await failureOf(remote.call(ops.change, {}, context()))).code).toBe('unavailable');
    expect(instance.calls()).toBe(1);
  });

  test('is not made for other failures', async () => {
    using instance = await fakeInstance(() => ({ code: status.INTERNAL, details: 'broken' }));
    using remote = remoteTo([instance.address]);
    expect((await failureOf(remote.call(ops.read, { id: 'abc' }, context()))).code).toBe('internal');
    expect(instance.calls()).toBe(1);
  });
});

/** Instances of one port on several addresses of this machine, of which a name leads to one. */
describe('a service that moves behind its name', () => {
  const lookup = vi.spyOn(dns.promises, 'lookup');
  afterEach(() => lookup.mockReset());
  const leadsTo = (address: string) => lookup.mockImplementation((async () => [{ address, family: 4 }]) as never);
  const answered = (remote: { call: any }) =>
    remote.call(ops.read, { id: 'abc' }, context()).then(
      () => true,
      () => false,
    );

  test('is found again within 5 s when its old place refuses', async () => {
    leadsTo('127.0.0.1');
    const old = await fakeInstance(() => undefined);
    const port = old.address.split(':')[1];
    using remote = remoteTo([`service.example:${port}`]);
    expect(await answered(remote)).toBe(true);
    old[Symbol.dispose]();
    using moved = await fakeInstance(() => undefined, `127.0.0.2:${port}`);
    leadsTo('127.0.0.2');
    await expect.poll(() => answered(remote), { timeout: 5_000, interval: 50 }).toBe(true);
    expect(moved.calls()).toBeGreaterThan(0);
  });

  test('is found again within 5 s when its old place says nothing', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((ready) => silent.listen(0, '127.0.0.1', ready));
    const { port } = silent.address() as { port: number };
    leadsTo('127.0.0.1');
    using remote = remoteTo([`service.example:${port}`]);
    using moved = await fakeInstance(() => undefined, `127.0.0.2:${port}`);
    let reached = false;
    silent.once('connection', () => {
      reached = true;
    });
    const first = answered(remote);
    await expect.poll(() => reached).toBe(true);
    leadsTo('127.0.0.2');
    await expect.poll(() => answered(remote), { timeout: 5_000, interval: 50 }).toBe(true);
    expect(moved.calls()).toBeGreaterThan(0);
    await first;
    silent.close();
  });
});

describe('a deadline', () => {
  test('is each try\u2019s own, so that one that hangs leaves time for the next', async () => {
    let hangs = true;
    using instance = await fakeInstance(() => {
      const answer = hangs ? 'never' : undefined;
      hangs = false;
      return answer;
    });
    using remote = remoteTo([instance.address], { deadline: 100 });
    expect(await remote.call(ops.read, { id: 'abc' }, context())).toEqual({ id: 'fake' });
    expect(instance.calls()).toBe(2);
  });

  test('is 5 s for one and 10 s for a batch', async () => {
    using instance = await fakeInstance(() => undefined);
    using remote = remoteTo([instance.address]);
    await remote.call(ops.read, { id: 'abc' }, context());
    await remote.call(ops.batch, { id: 'abc' }, context());
    const [one, many] = instance.deadlines.map((ms) => Math.round(ms / 1_000));
    expect([one, many]).toEqual([5, 10]);
  });

  test('of the first caller ends all tries', async () => {
    using instance = await fakeInstance(() => 'never');
    using remote = remoteTo([instance.address], { deadline: 100 });
    const error = await failureOf(remote.call(ops.read, { id: 'abc' }, context({ deadline: Date.now() + 150 })));
    expect(error.code).toBe('deadline_exceeded');
    expect(instance.calls()).toBeLessThanOrEqual(2);
  });
});
