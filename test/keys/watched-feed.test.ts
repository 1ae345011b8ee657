/** The feed over gRPC, between a platform and verifiers in other processes: caught up, in order, mended, never silently behind. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { watchRevocations } from '../../functions/sessions/watch-revocations.ts';
import { createGrpcFeed } from '../../shared/calls/revocation-feed.ts';
import { startGrpc } from '../../shared/doors/grpc/grpc.ts';
import { createProcessFeed, type ProcessFeed } from '../../shared/keys/process-feed.ts';
import type { FollowedRevocations } from '../../shared/keys/revocations.ts';
import { openToldRevocations } from '../../shared/keys/told-revocations.ts';
import { service } from '../../shared/kit/service.ts';
import type { Revocation } from '../../shared/ports/revocations.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { randomIds } from '../../shared/system/ids.ts';
import { createMetrics } from '../../shared/system/metrics.ts';
import { startTcpProxy } from '../engines/tcp-proxy.ts';
import { testLog } from './harness.ts';

const TOKEN = `p21s_feed_${'a'.repeat(43)}`;
const claims = { jti: 'j', sid: 's', sub: 'u', gen: 1 };
const { port: clock } = await systemClock.open({}, {} as any);
const { port: ids } = await randomIds.open({}, {} as any);

const ended = (value: string): Revocation => ({ kind: 'sid', value, error: 'session_ended', created_at: clock.now() });

/** A platform's side: what it knows, and its gRPC door. Heartbeats come while `beat` is called. */
const origin = async (known: readonly Revocation[] = [], port = 0) => {
  const source: ProcessFeed = createProcessFeed({ clock, ids }, known);
  const held = await openToldRevocations({ revocationFeed: source, clock, ids, log: testLog() });
  const beating = setInterval(() => void held.port.catchUp(), 100);
  const ports = {
    clock,
    ids,
    log: testLog(),
    metrics: createMetrics(),
    revocationNews: held.port,
    serviceTokens: { verify: async (token: string) => (token === TOKEN ? { name: 'x', permissions: [] } : undefined) },
    verifier: { verify: async () => ({ valid: false, error: 'malformed' }) as const },
  };
  const host = { ports: ports as any, call: async () => undefined };
  const door = await startGrpc(host, [service('sessions', [watchRevocations])], { port });
  const stop = async (): Promise<void> => {
    clearInterval(beating);
    await Promise.all([door.stop(), held.close()]);
  };
  return {
    port: door.port,
    learn: (each: Revocation) => held.port.learn(each),
    silence: () => clearInterval(beating),
    stop,
  };
};

const verifier = async (port: number, token = TOKEN) => {
  const log = testLog();
  const feed = createGrpcFeed({ address: `127.0.0.1:${port}`, token }, { clock, log });
  const { port: held, close } = await openToldRevocations({ revocationFeed: feed, clock, ids, log });
  onTestFinished(close);
  return { held, log };
};
const finds = (held: FollowedRevocations, sid: string) => {
  const found = held.find({ ...claims, sid });
  if (found instanceof Promise) found.catch(() => undefined);
  return found;
};
const soon = (look: () => void): Promise<void> => vi.waitFor(look, { timeout: 5_000, interval: 5 });

describe('a verifier that follows over gRPC', () => {
  test('knows the snapshot, of many parts, before it is open, and what comes after within moments', async () => {
    const many = Array.from({ length: 2_600 }, (_, n) => ended(`s${n}`));
    const { port, learn, stop } = await origin(many);
    onTestFinished(stop);
    const { held, log } = await verifier(port);
    // a machine that stood still for longer than the bound asks first
    for (const sid of ['s0', 's700', 's2599']) expect(await finds(held, sid)).toBe('session_ended');
    expect(await finds(held, 'new')).toBeUndefined();
    learn(ended('new'));
    await soon(() => expect(finds(held, 'new')).toBe('session_ended'));
    expect(log.codes).toEqual([]);
  });

  test('hears each kind as it is', async () => {
    const { port, learn, stop } = await origin();
    onTestFinished(stop);
    const { held } = await verifier(port);
    const created_at = clock.now();
    learn({ kind: 'jti', value: 'j', error: 'revoked', created_at });
    learn({ kind: 'user', value: 'all', error: 'user_inactive', created_at });
    learn({ kind: 'user', value: 'some', generation: 3, except_sid: 'x', error: 'session_ended', created_at });
    learn({ kind: 'permissions', value: 'p', generation: 2, created_at });
    learn({ kind: 'roles', value: 'all', generation: 7, created_at });
    await soon(() => expect(held.find({ ...claims, jti: '1', rgen: 6 })).toBe('permissions_changed'));
    const now = { ...claims, jti: '1', rgen: 7 };
    expect(held.find({ ...claims, rgen: 7 })).toBe('revoked');
    expect(held.find({ ...now, sub: 'all' })).toBe('user_inactive');
    expect(held.find({ ...now, sub: 'some' })).toBe('session_ended');
    expect(held.find({ ...now, sub: 'some', sid: 'x' })).toBeUndefined();
    expect(held.find({ ...now, sub: 'some', gen: 3 })).toBeUndefined();
    expect(held.find({ ...now, sub: 'p', pgen: 1 })).toBe('permissions_changed');
    expect(held.find({ ...now, sub: 'p', pgen: 2 })).toBeUndefined();
  });

  test('mends what it missed while its wire was cut, and answers nothing past the bound', async () => {
    const { port, learn, stop } = await origin();
    onTestFinished(stop);
    const wire = await startTcpProxy(port);
    const { held, log } = await verifier(wire.port);
    learn(ended('before'));
    await soon(() => expect(finds(held, 'before')).toBe('session_ended'));
    await wire.close();
    learn(ended('meanwhile'));
    await soon(() => expect(held.isReady()).toBe(false));
    await expect(held.find({ ...claims, sid: 'meanwhile' })).rejects.toMatchObject({ code: 'unavailable' });
    const again = await startTcpProxy(port, undefined, wire.port);
    onTestFinished(() => again.close());
    await soon(() => expect(held.isReady()).toBe(true));
    expect(await finds(held, 'meanwhile')).toBe('session_ended');
    expect(log.codes).toEqual(['revocation_feed.away', 'revocation_feed.back']);
  });

  test('leaves a wire that carries nothing any more, and hears by the next one', async () => {
    const { port, learn, stop } = await origin();
    onTestFinished(stop);
    const wires = new Set<Socket>();
    const proxy = createServer((client) => {
      const upstream = connect(port, '127.0.0.1');
      for (const end of [client, upstream]) end.on('error', () => {});
      client.pipe(upstream).pipe(client);
      wires.add(client).add(upstream);
    });
    await new Promise<void>((go) => proxy.listen(0, '127.0.0.1', go));
    onTestFinished(() => {
      for (const each of wires) each.destroy();
      proxy.close();
    });
    const { held } = await verifier((proxy.address() as AddressInfo).port);
    // what is open now stays open and says nothing more
    for (const each of wires) each.unpipe().pause();
    learn(ended('in the dark'));
    await soon(() => expect(finds(held, 'in the dark')).toBe('session_ended'));
    expect(wires.size).toBeGreaterThan(2);
  });

  test('begins anew with a platform that was restarted', async () => {
    const first = await origin([ended('old')]);
    const { held } = await verifier(first.port);
    await first.stop();
    const second = await origin([ended('old'), ended('of the second life')], first.port);
    onTestFinished(second.stop);
    await soon(() => expect(finds(held, 'of the second life')).toBe('session_ended'));
    expect(finds(held, 'old')).toBe('session_ended');
  });

  test('finds a platform that hears nothing itself as stale as it is', async () => {
    const { port, silence, stop } = await origin();
    onTestFinished(stop);
    const { held } = await verifier(port);
    expect(held.isReady()).toBe(true);
    silence();
    await soon(() => expect(held.isReady()).toBe(false));
  });

  test('is refused without a service token, says so once, and answers nothing', async () => {
    const { port, stop } = await origin();
    onTestFinished(stop);
    const { held, log } = await verifier(port, `p21s_other_${'b'.repeat(43)}`);
    await expect(held.find(claims)).rejects.toMatchObject({ code: 'unavailable' });
    expect(log.codes).toEqual(['revocation_feed.away']);
  });
});

describe('a burst of 100,000 revocations', () => {
  let platform: Awaited<ReturnType<typeof origin>>;
  beforeAll(async () => {
    platform = await origin();
  });
  afterAll(() => platform.stop());

  test('reaches a verifier whole, and none of its answers waits for more than a moment', async () => {
    const { held } = await verifier(platform.port);
    let longest = 0;
    let last = performance.now();
    const looking = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    for (let n = 0; n < 100_000; n += 1) {
      platform.learn(ended(`s${n}`));
      if (n % 500 === 499) await new Promise((go) => setImmediate(go));
    }
    await vi.waitFor(() => expect(finds(held, 's99999')).toBe('session_ended'), { timeout: 20_000, interval: 10 });
    clearInterval(looking);
    expect(held.size).toBe(100_000);
    expect(finds(held, 's0')).toBe('session_ended');
    expect(longest).toBeLessThan(500);
  }, 30_000);
});
