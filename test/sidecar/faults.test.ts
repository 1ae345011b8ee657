/** A sidecar that is cut off, begins anew, or has a platform that is away: what it can't know it does not allow. */
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadSidecarConfig } from '../../shared/config/sidecar.ts';
import { startSidecar } from '../../shared/process/sidecar.ts';
import { loggedIn, userWithSession, verified } from '../e2e/world.ts';
import { type Rabbitmq, startRabbitmq } from '../engines/rabbitmq.ts';
import { startTcpProxy } from '../engines/tcp-proxy.ts';
import {
  adminToken,
  CHECK,
  envoyQuestion,
  grpcCaller,
  openPlatform,
  openSidecar,
  type Rig,
  sidecarEnvironment,
  sidecarFor,
  VALIDATE,
} from './rig.ts';

const SOON = { timeout: 10_000, interval: 5 };

let rig: Rig;
beforeAll(async () => {
  rig = await openPlatform();
}, 60_000);
afterAll(() => rig?.close());

const revoke = (session_id: string): void =>
  rig.platform.host.ports.revocations.learn({
    kind: 'sid',
    value: session_id,
    error: 'session_ended',
    created_at: Date.now(),
  });
const callerOf = (port: number) => {
  const caller = grpcCaller(port);
  onTestFinished(caller.close);
  return caller;
};
/** What a sidecar says of a token: a verdict, or the status of one that is not known. */
const verdictOf = (caller: ReturnType<typeof grpcCaller>, token: string): Promise<string | number> =>
  caller.call(VALIDATE, { token }).then(
    ({ valid, error_message }) => (valid ? 'valid' : error_message),
    (error) => error.code,
  );

describe('a sidecar whose feed is cut', () => {
  const cutOff = async (more: Record<string, string> = {}) => {
    const wire = await startTcpProxy(rig.platform.grpc.port);
    const sidecar = await sidecarFor(rig.platform, {
      SIDECAR_FEED: `grpc://127.0.0.1:${wire.port}`,
      PERFECT21_MAX_STALENESS: '1000',
      ...more,
    });
    return { wire, sidecar, caller: callerOf(sidecar.grpc.port) };
  };

  test('accepts none of a hundred sessions that ended meanwhile once the bound is over, and all good ones after it', async () => {
    const { wire, sidecar, caller } = await cutOff();
    const { email } = await verified(rig.world);
    const sessions: Awaited<ReturnType<typeof loggedIn>>[] = [];
    while (sessions.length < 100) sessions.push(await loggedIn(rig.world, email));
    const { access_token: good } = await userWithSession(rig.world);
    for (const { access_token } of sessions) expect(await verdictOf(caller, access_token)).toBe('valid');
    await wire.close();
    const cut = performance.now();
    for (const { session_id } of sessions) revoke(session_id);
    const late: [number, unknown][] = [];
    while (performance.now() - cut < 1_800) {
      for (const { access_token } of sessions.slice(0, 10)) {
        const asked = performance.now() - cut;
        const verdict = await verdictOf(caller, access_token);
        // asked after the bound, and the feed's last heartbeat was before the cut
        if (asked > 1_000 && verdict !== status.UNAVAILABLE) late.push([asked, verdict]);
      }
    }
    expect(late).toEqual([]);

    const envoy = await caller.call(CHECK, envoyQuestion({ authorization: `Bearer ${good}` }));
    expect(envoy).toMatchObject({ status: { code: 14 }, denied_response: { status: { code: 503 } } });
    const retry = envoy.denied_response.headers.find(({ header }: any) => header.key === 'retry-after');
    expect(retry.header.value).toBe('1');
    const verify = await fetch(`http://127.0.0.1:${sidecar.http.port}/verify`, {
      headers: { authorization: `Bearer ${good}` },
    });
    expect([verify.status, verify.headers.get('retry-after'), verify.headers.get('x-user-id')]).toEqual([403, '1', '']);
    expect((await fetch(`http://127.0.0.1:${sidecar.http.port}/readyz`)).status).toBe(503);

    const again = await startTcpProxy(rig.platform.grpc.port, undefined, wire.port);
    onTestFinished(() => again.close());
    await vi.waitFor(async () => expect(await verdictOf(caller, good)).toBe('valid'), SOON);
    for (const { access_token } of sessions) expect(await verdictOf(caller, access_token)).toBe('session_ended');
  }, 60_000);

  test('goes on by what it knew and says so, where it is told to stay open', async () => {
    const { wire, caller } = await cutOff({ SIDECAR_WHEN_STALE: 'open' });
    const { access_token, session_id } = await userWithSession(rig.world);
    revoke(session_id);
    const { access_token: good } = await userWithSession(rig.world);
    await vi.waitFor(async () => expect(await verdictOf(caller, access_token)).toBe('session_ended'), SOON);
    await wire.close();
    await vi.waitFor(async () => {
      const { valid, warnings } = await caller.call(VALIDATE, { token: good });
      expect([valid, warnings]).toEqual([true, ['revocations_stale']]);
    }, SOON);
    await vi.waitFor(async () => expect(await verdictOf(caller, access_token)).toBe('session_ended'), SOON);
  });

  test('asks its platform, where it is told to', async () => {
    const { wire, sidecar, caller } = await cutOff({ SIDECAR_WHEN_STALE: 'ask' });
    const { access_token: good, user_id } = await userWithSession(rig.world);
    const { access_token, session_id } = await userWithSession(rig.world);
    expect(await verdictOf(caller, access_token)).toBe('valid');
    await wire.close();
    await vi.waitFor(async () => expect(await sidecar.ready()).toBe(false), SOON);
    revoke(session_id);
    expect(await verdictOf(caller, access_token)).toBe('session_ended');
    expect(await caller.call(VALIDATE, { token: good })).toMatchObject({ valid: true, user_id });
  });
});

describe('a sidecar that begins', () => {
  test('never accepts what ended before, from its first answer on', async () => {
    const { access_token, session_id } = await userWithSession(rig.world);
    revoke(session_id);
    for (let life = 0; life < 3; life += 1) {
      const sidecar = await openSidecar(rig.platform);
      const caller = grpcCaller(sidecar.grpc.port);
      for (let n = 0; n < 20; n += 1)
        expect(['session_ended', status.UNAVAILABLE]).toContain(await verdictOf(caller, access_token));
      expect(await verdictOf(caller, access_token)).toBe('session_ended');
      caller.close();
      await sidecar.stop();
    }
  });

  test('answers unavailable until its platform is there, then by itself', async () => {
    const wire = await startTcpProxy(rig.platform.grpc.port);
    await wire.close();
    const sidecar = await sidecarFor(rig.platform, { SIDECAR_FEED: `grpc://127.0.0.1:${wire.port}` });
    const caller = callerOf(sidecar.grpc.port);
    const { access_token } = await userWithSession(rig.world);
    expect(await verdictOf(caller, access_token)).toBe(status.UNAVAILABLE);
    expect(await sidecar.ready()).toBe(false);
    const again = await startTcpProxy(rig.platform.grpc.port, undefined, wire.port);
    onTestFinished(() => again.close());
    await vi.waitFor(async () => expect(await verdictOf(caller, access_token)).toBe('valid'), SOON);
    expect(await sidecar.ready()).toBe(true);
  });

  test('says in one line what it lacks', async () => {
    const env = sidecarEnvironment(rig.platform);
    const start = (more: Record<string, string>) => async () => startSidecar(loadSidecarConfig({ ...env, ...more }));
    await expect(start({ SIDECAR_ORIGIN: 'ftp://x' })).rejects.toThrow(/SIDECAR_ORIGIN names no platform/);
    await expect(start({ SIDECAR_FEED: 'http://x' })).rejects.toThrow(/SIDECAR_FEED names no feed/);
    await expect(start({ PERFECT21_SERVICE_TOKEN: '' })).rejects.toThrow(/PERFECT21_SERVICE_TOKEN is missing/);
    await expect(start({ SIDECAR_FEED: 'amqp://user:pass word@x:y' })).rejects.toThrow(/^(?!.*pass).*$/);
  });
});

test('a busy client of a revoked token is refused like any other', async () => {
  const sidecar = await sidecarFor(rig.platform);
  const caller = callerOf(sidecar.grpc.port);
  const { access_token, session_id } = await userWithSession(rig.world);
  let stop = false;
  const verdicts: [number, string | number][] = [];
  const busy = Array.from({ length: 8 }, async () => {
    while (!stop) {
      const asked = performance.now();
      verdicts.push([asked, await verdictOf(caller, access_token)]);
    }
  });
  await vi.waitFor(() => expect(verdicts.length).toBeGreaterThan(100), SOON);
  revoke(session_id);
  const revoked = performance.now();
  await vi.waitFor(() => expect(verdicts.at(-1)?.[1]).toBe('session_ended'), SOON);
  stop = true;
  await Promise.all(busy);
  const accepted = verdicts.filter(([asked, verdict]) => verdict === 'valid' && asked > revoked + 100);
  expect(accepted).toEqual([]);
});

describe('without gRPC to its platform a sidecar', () => {
  test('asks again and again, and knows what ended in the store', async () => {
    const sidecar = await sidecarFor(rig.platform, { SIDECAR_FEED: 'poll' });
    const caller = callerOf(sidecar.grpc.port);
    const { access_token } = await userWithSession(rig.world);
    expect(await verdictOf(caller, access_token)).toBe('valid');
    const { http } = rig.platform;
    const { status: answered } = await fetch(`${http.url}/api/v1/auth/logout`, {
      method: 'POST',
      headers: { authorization: `Bearer ${access_token}` },
    });
    expect(answered).toBe(204);
    await vi.waitFor(async () => expect(await verdictOf(caller, access_token)).toBe('session_ended'), SOON);
  });

  describe('over RabbitMQ', () => {
    let broker: Rabbitmq;
    beforeAll(async () => {
      broker = await startRabbitmq();
    }, 120_000);
    afterAll(() => broker?.close());

    test('hears of what ends, and answers nothing while the broker is away', async () => {
      const other = await openPlatform({ BUS_URL: broker.url });
      onTestFinished(() => other.close());
      const sidecar = await sidecarFor(other.platform, { SIDECAR_FEED: broker.url, PERFECT21_SERVICE_TOKEN: '' });
      const caller = callerOf(sidecar.grpc.port);
      const { access_token, session_id } = await adminToken(other);
      await vi.waitFor(async () => expect(await verdictOf(caller, access_token)).toBe('valid'), SOON);
      await broker.stop();
      const { revocations } = other.platform.host.ports;
      revocations.learn({ kind: 'sid', value: session_id, error: 'session_ended', created_at: Date.now() });
      await vi.waitFor(async () => expect(await verdictOf(caller, access_token)).toBe(status.UNAVAILABLE), SOON);
      await broker.start();
      await vi.waitFor(async () => expect(await verdictOf(caller, access_token)).toBe('session_ended'), {
        timeout: 30_000,
        interval: 20,
      });
    }, 120_000);
  });
});
