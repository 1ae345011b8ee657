import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Address,
  type Discovery,
  fixedDiscovery,
  type Instance,
  instancesAt,
} from '../../../shared/calls/discovery/discovery.ts';
import { openDiscovery } from '../../../shared/calls/discovery/open.ts';
import { consistentHash, leastConnections } from '../../../shared/calls/discovery/policies.ts';
import { type RemoteOptions, remoteCaller } from '../../../shared/calls/remote.ts';
import { internalPath } from '../../../shared/grpc/internal.ts';
import { operations } from '../../doors/grpc/operations.ts';
import { context } from '../../doors/grpc/rig.ts';
import { rigPorts, startConsul } from './fakes.ts';

const ops = operations({ contexts: [], wait: async () => {} });

/** An instance of `sessions`; a `change` waits for `release`. */
const instance = async () => {
  const server = new Server();
  const held: (() => void)[] = [];
  /** What the next calls end with. */
  const fails: status[] = [];
  const seen = { calls: 0, peers: new Set<string>() };
  const bytes = (buffer: Buffer) => buffer;
  const handler =
    (hold: boolean) =>
    (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>): void => {
      seen.calls += 1;
      seen.peers.add(call.getPeer());
      const answer = () => respond(null, Buffer.from('{"id":"done"}'));
      const code = fails.shift();
      if (code !== undefined) respond({ code, details: 'failed' });
      else if (hold) held.push(answer);
      else answer();
    };
  server.register(internalPath(ops.read), handler(false), bytes, bytes, 'unary');
  server.register(internalPath(ops.change), handler(true), bytes, bytes, 'unary');
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  onTestFinished(() => server.forceShutdown());
  return { address: `127.0.0.1:${port}`, port, seen, held, fails, server };
};

/** A discovery that says what a test says. */
const told = (...first: Address[]) => {
  let instances: readonly Instance[] = instancesAt(...first);
  const listeners = new Set<(instances: readonly Instance[]) => void>();
  const discovery: Discovery = {
    instances: async () => instances,
    watch: (_, listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {},
  };
  const tell = (...next: Address[]) => {
    instances = instancesAt(...next);
    for (const listener of listeners) listener(instances);
  };
  return { discovery, tell, listeners };
};

const caller = (discovery: RemoteOptions['discovery'], more: Partial<RemoteOptions> = {}) => {
  const remote = remoteCaller({ discovery, token: 'p21s_platform_secret', ...more });
  onTestFinished(() => remote.close());
  return {
    read: (id = 'abc', more: object = {}) => remote.call(ops.read, { id }, context(more)),
    change: () => remote.call(ops.change, {}, context()),
    close: () => remote.close(),
  };
};
/** Whether a connection to the instance is open: a graceful stop of its server waits for those. */
const connections = ({ server }: { server: Server }): number =>
  [...((server as any).sessions as Map<unknown, unknown>).keys()].length;

describe('calls follow discovery', () => {
  test('an instance that comes is connected to at once, before its first call', async () => {
    const [one, two] = [await instance(), await instance()];
    const { discovery, tell } = told(one.address);
    const { read } = caller(discovery);
    await read();
    expect(connections(two)).toBe(0);
    tell(one.address, two.address);
    await expect.poll(() => connections(two)).toBe(1);
    for (let call = 0; call < 4; call++) await read();
    expect([one.seen.calls, two.seen.calls]).toEqual([3, 2]);
  });

  test('an instance that vanished gets no call any more, finishes what it has, and then its connection is closed', async () => {
    const [one, two] = [await instance(), await instance()];
    const { discovery, tell } = told(one.address);
    const { read, change } = caller(discovery);
    const slow = change();
    await expect.poll(() => one.held.length).toBe(1);
    tell(two.address);
    for (let call = 0; call < 3; call++) await read();
    expect([one.seen.calls, two.seen.calls]).toEqual([1, 3]);
    expect(connections(one)).toBe(1);
    one.held[0]!();
    expect(await slow).toEqual({ id: 'done' });
    await expect.poll(() => connections(one)).toBe(0);
  });

  test('a call that waits for its connection still gets it when the instance vanishes', async () => {
    const [one, two] = [await instance(), await instance()];
    const waiting: Socket[] = [];
    const slow = createServer((socket) => waiting.push(socket.pause())).listen(0, '127.0.0.1');
    onTestFinished(() => void slow.close());
    await once(slow, 'listening');
    const { discovery, tell } = told(`127.0.0.1:${(slow.address() as AddressInfo).port}`);
    const { read } = caller(discovery);
    const answer = read();
    await expect.poll(() => waiting.length).toBe(1);
    tell(two.address);
    const onwards = connect(one.port, '127.0.0.1');
    waiting[0]!.pipe(onwards).pipe(waiting[0]!);
    expect(await answer).toEqual({ id: 'done' });
    expect([one.seen.calls, two.seen.calls]).toEqual([1, 0]);
  });

  test('an instance that returns while it drains is connected to anew', async () => {
    const one = await instance();
    const { discovery, tell } = told(one.address);
    const { read, change } = caller(discovery);
    const slow = change();
    await expect.poll(() => one.held.length).toBe(1);
    tell();
    await expect(read()).rejects.toMatchObject({ code: 'unavailable' });
    tell(one.address);
    expect(await read()).toEqual({ id: 'done' });
    one.held[0]!();
    expect(await slow).toEqual({ id: 'done' });
    expect(await read()).toEqual({ id: 'done' });
  });

  test('services in one process share a connection, which stays as long as one of them is there', async () => {
    const one = await instance();
    const listeners = new Map<string, (instances: readonly Instance[]) => void>();
    const places = { 'session-service': [one.address], 'user-service': [one.address] };
    const discovery: Discovery = {
      ...fixedDiscovery(places),
      watch: (service, listener) => {
        listeners.set(service, listener);
        return () => {};
      },
    };
    const remote = remoteCaller({ discovery, token: 'p21s_platform_secret' });
    onTestFinished(() => remote.close());
    await remote.call(ops.read, { id: 'abc' }, context());
    await remote.call(ops.getUser, { user_id: 'abc' }, context()).catch(() => {});
    listeners.get('user-service')!([]);
    await remote.call(ops.read, { id: 'abc' }, context());
    expect(one.seen.peers.size).toBe(1);
    expect(connections(one)).toBe(1);
  });

  test('nothing is watched any more once the caller is closed', async () => {
    const one = await instance();
    const { discovery, listeners } = told(one.address);
    const { read, close } = caller(discovery);
    await read();
    expect(listeners.size).toBe(1);
    close();
    expect(listeners.size).toBe(0);
    await expect.poll(() => connections(one)).toBe(0);
  });
});

describe('the policy decides who is called', () => {
  test('least_connections passes by an instance that is busy', async () => {
    const [one, two] = [await instance(), await instance()];
    const { read, change } = caller({ 'session-service': [one.address, two.address] }, { policy: leastConnections });
    const slow = change();
    await expect.poll(() => one.held.length).toBe(1);
    for (let call = 0; call < 5; call++) await read();
    expect([one.seen.calls, two.seen.calls]).toEqual([1, 5]);
    one.held[0]!();
    await slow;
  });

  test('instances in the own zone take all calls, until they fail', async () => {
    const [near, far] = [await instance(), await instance()];
    const { discovery } = told();
    const zoned = [
      { address: near.address, zone: 'eu-1a' },
      { address: far.address, zone: 'eu-1b' },
    ];
    const { read } = caller({ ...discovery, instances: async () => zoned }, { zone: 'eu-1a' });
    for (let call = 0; call < 4; call++) await read();
    expect([near.seen.calls, far.seen.calls]).toEqual([4, 0]);
    near.fails.push(...Array(3).fill(status.UNAVAILABLE));
    for (let call = 0; call < 6; call++) expect(await read()).toEqual({ id: 'done' });
    expect([near.seen.calls, far.seen.calls]).toEqual([7, 6]);
  });

  test('consistent_hash brings calls of one user to one instance, and to another one only if that is away', async () => {
    const all = [await instance(), await instance(), await instance()];
    const { read } = caller({ 'session-service': all.map(({ address }) => address) }, { policy: consistentHash });
    const as = (user_id: string) => ({ caller: { kind: 'user', user_id, permissions: [] } });
    for (let call = 0; call < 6; call++) await read('abc', as('ada'));
    const chosen = all.find(({ seen }) => seen.calls > 0)!;
    expect(chosen.seen.calls).toBe(6);
    for (let user = 0; user < 40; user++) await read('abc', as(`user-${user}`));
    for (const { seen } of all) expect(seen.calls).toBeGreaterThan(0);
    chosen.server.forceShutdown();
    expect(await read('abc', as('ada'))).toEqual({ id: 'done' });
  });
});

describe('an instance that fails', () => {
  test('three times in a row is passed over for 30 seconds by the clock; refusals of its operations are no failures', async () => {
    const [good, bad] = [await instance(), await instance()];
    let now = 0;
    const ejected: string[] = [];
    const { read } = caller(
      { 'session-service': [bad.address, good.address] },
      { now: () => now, ejected: (service, address) => ejected.push(`${service} ${address}`) },
    );
    bad.fails.push(...Array(3).fill(status.NOT_FOUND));
    for (let call = 0; call < 6; call++) await read().catch(() => {});
    expect([ejected, good.seen.calls, bad.seen.calls]).toEqual([[], 3, 3]);
    bad.fails.push(...Array(3).fill(status.UNAVAILABLE));
    for (let call = 0; call < 6; call++) await read();
    expect(ejected).toEqual([`session-service ${bad.address}`]);
    expect(bad.seen.calls).toBe(6);
    for (let call = 0; call < 6; call++) await read();
    expect(bad.seen.calls).toBe(6);
    now = 30_000;
    for (let call = 0; call < 4; call++) await read();
    expect(bad.seen.calls).toBe(8);
  });

  test('where nobody listens, too, is passed over', async () => {
    const good = await instance();
    const ejected: string[] = [];
    const addresses = ['127.0.0.1:1', good.address];
    const { read } = caller({ 'session-service': addresses }, { ejected: (_, address) => ejected.push(address) });
    for (let call = 0; call < 12; call++) expect(await read()).toEqual({ id: 'done' });
    expect(ejected).toEqual(['127.0.0.1:1']);
  });
});

describe('with a registry', () => {
  const opened = async (url: string) => {
    const rig = rigPorts();
    const discovery = await openDiscovery({ registry: 'consul', url }, rig.ports);
    onTestFinished(() => discovery.close());
    return { ...rig, ...caller(discovery) };
  };

  test('calls reach what passes there, and go on while the registry is away', async () => {
    const one = await instance();
    const agent = await startConsul();
    onTestFinished(agent.close);
    agent.services.set('session-service', [
      { node: '127.0.0.1', port: one.port },
      { node: '127.0.0.1', port: 1, checks: ['critical'] },
    ]);
    const { read, clock, logged } = await opened(agent.url);
    for (let call = 0; call < 4; call++) expect(await read()).toEqual({ id: 'done' });
    agent.state.trouble = 'cut off';
    agent.services.move(agent.services.index);
    await expect.poll(() => logged.map(({ code }) => code)).toEqual(['discovery.away']);
    clock.at += 3_600_000;
    expect(await read()).toEqual({ id: 'done' });
    expect(logged).toHaveLength(1);
  });

  test('calls reach an instance as soon as it is registered, without anybody who looks', async () => {
    const [one, two] = [await instance(), await instance()];
    const agent = await startConsul();
    onTestFinished(agent.close);
    agent.services.set('session-service', [{ node: '127.0.0.1', port: one.port }]);
    const { read } = await opened(agent.url);
    await read();
    agent.services.set('session-service', [{ node: '127.0.0.1', port: two.port }]);
    await expect.poll(() => connections(two)).toBe(1);
    await read();
    expect([one.seen.calls, two.seen.calls]).toEqual([1, 1]);
  });

  test('calls are unavailable while it was never there, and work when it comes', async () => {
    const one = await instance();
    const before = await startConsul();
    await before.close();
    const { read, clock } = await opened(before.url);
    const error: any = await read().catch((thrown) => thrown);
    expect([error.code, error.detail]).toEqual(['unavailable', undefined]);
    const agent = await startConsul({ port: before.port });
    onTestFinished(agent.close);
    agent.services.set('session-service', [{ node: '127.0.0.1', port: one.port }]);
    clock.at += 5_000;
    expect(await read()).toEqual({ id: 'done' });
  });
});
