/** What one client, one mailbox or one number may ask for in a while, with the usual bounds. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { forgotPassword } from '../../functions/auth/forgot-password.ts';
import { refresh } from '../../functions/auth/refresh.ts';
import { register } from '../../functions/auth/register.ts';
import { verifyEmail } from '../../functions/auth/verify-email.ts';
import { schema } from '../../functions/index.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { adapter } from '../../shared/kit/adapter.ts';
import { callCounts } from '../../shared/kit/bound-records.ts';
import { type Host, invoke } from '../../shared/kit/invoke.ts';
import { continueTrace } from '../../shared/kit/trace.ts';
import { openHost } from '../../shared/process/host.ts';
import { tableOf } from '../../shared/store/sql.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { worldOf } from '../e2e/matrix.ts';
import { expectOk, newEmail, PASSWORD, tokenIn, userWithSession, verified, type World } from '../e2e/world.ts';
import { type TestPlatform, testEnvironment, testPlatform } from '../support/platform.ts';

let platform: TestPlatform;
let world: World;
beforeAll(async () => {
  platform = await testPlatform({ PERFECT21_RATE_LIMITS: '1', PERFECT21_TRUSTED_PROXIES: '127.0.0.1' });
  world = worldOf(platform, http1Door(platform.http.url));
});
afterAll(() => platform?.close());

describe('mails to one mailbox', () => {
  test('are at most five of registrations in an hour, and the answer stays the same', async () => {
    const [email, known] = [newEmail(), (await verified(world)).email];
    for (let n = 0; n < 7; n++) {
      for (const each of [email, known]) {
        const { body } = await world.call(register, { email: each, password: PASSWORD });
        expect(body).toEqual({ status: 'pending_verification' });
      }
    }
    expect(await world.mails(email)).toHaveLength(5);
    expect(await world.mails(known)).toHaveLength(5);
  });

  test('count together, whatever stands behind the plus of its addresses', async () => {
    platform.advance(3_600_000);
    const [name] = newEmail().split('@');
    const addresses = Array.from({ length: 12 }, (_, n) => `${name}+${n}@example.org`);
    for (const email of addresses) await expectOk(world.call(register, { email, password: PASSWORD }));
    const mails = await world.mails(`${name}+`);
    expect(mails).toHaveLength(5);
    for (const mail of mails) await expectOk(world.call(verifyEmail, { token: tokenIn(mail) }));
    for (const email of addresses) await expectOk(world.call(forgotPassword, { email }));
    expect((await world.mails(`${name}+`)).filter(({ text }) => text.includes('reset-password'))).toHaveLength(5);
  });
});

describe('refreshes of one session', () => {
  /** Refreshes so often, and gives the token that is current then. */
  const refreshed = async (of: World, times: number): Promise<string> => {
    let { refresh_token } = await userWithSession(of);
    for (let n = 0; n < times; n++) ({ refresh_token } = await expectOk(of.call(refresh, { refresh_token })));
    return refresh_token;
  };

  test('are at most 30 in a minute, and going slowly goes on', async () => {
    const refresh_token = await refreshed(world, 30);
    expect((await world.call(refresh, { refresh_token })).code).toBe('too_many_requests');
    platform.advance(60_000);
    await expectOk(world.call(refresh, { refresh_token }));
  });

  test('are as many as somebody likes where there are no bounds', async () => {
    const unbound = await testPlatform({ PERFECT21_RATE_LIMITS: 'off' });
    onTestFinished(() => unbound.close());
    await refreshed(worldOf(unbound, http1Door(unbound.http.url)), 40);
  });
});

describe('calls of one client', () => {
  const from = (path: string, body: object, ip: string): Promise<Response> =>
    fetch(`${platform.http.url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': ip },
      body: JSON.stringify(body),
    });
  const unknown = () => ({ identifier: newEmail(), password: PASSWORD });
  /** So many at once, in portions that a machine under load can take. */
  const flood = async (times: number, call: () => Promise<Response>): Promise<Response[]> => {
    const answers: Response[] = [];
    while (answers.length < times) answers.push(...(await Promise.all(Array.from({ length: 20 }, call))));
    return answers;
  };

  test('are refused over the bound, with the time after which it makes sense again, and other clients are not', async () => {
    platform.advance(600_000);
    const answers = await flood(140, () => from('/auth/login', unknown(), '203.0.113.1'));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.length - refused.length).toBe(120);
    const wait = Number(refused.at(-1)!.headers.get('retry-after'));
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(wait).toBeLessThanOrEqual(120);
    expect(await refused[0]!.json()).toMatchObject({ code: 'too_many_requests', status: 429 });
    expect((await from('/auth/login', unknown(), '203.0.113.2')).status).toBe(401);
    // each operation for itself
    expect((await from('/auth/password/forgot', { email: newEmail() }, '203.0.113.1')).status).toBe(202);
    platform.advance(120_000);
    expect((await from('/auth/login', unknown(), '203.0.113.1')).status).toBe(401);
  }, 60_000);

  test('count together for a /64 of IPv6, and in the store under a keyed hash only', async () => {
    platform.advance(600_000);
    let n = 0;
    const body = () => ({ email: newEmail() });
    const answers = await flood(40, () =>
      from('/auth/password/forgot', body(), `2001:db8:7:7:${(++n).toString(16)}::1`),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(30);
    expect((await from('/auth/password/forgot', body(), '2001:db8:7:8::1')).status).toBe(202);
    const db = new DatabaseSync(join(platform.dataDir, 'perfect21.db'), { readOnly: true });
    const rows = db.prepare(`SELECT id FROM ${tableOf(callCounts)}`).all();
    db.close();
    expect(rows.length).toBeGreaterThan(0);
    for (const { id } of rows) expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/);
  }, 60_000);

  test('count together in all processes of a platform', async () => {
    platform.advance(600_000);
    const config = loadConfig({ ...testEnvironment(platform.dataDir), PERFECT21_RATE_LIMITS: '1' });
    const clock = adapter({ port: 'clock', open: () => ({ port: platform.host.ports.clock }) });
    const other = await openHost(config, schema, { replace: [clock] });
    const at = (host: Host) =>
      invoke(
        host,
        forgotPassword,
        { email: newEmail() },
        {
          request_id: 'flood',
          trace: continueTrace(),
          caller: { kind: 'anonymous' },
          client: { ip: '203.0.113.3' },
          door: 'local',
        },
      );
    try {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 50 }, (_, n) => at(n % 2 ? other : platform.host)),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(30);
    } finally {
      await other.close();
    }
  }, 60_000);

  test('of services are not bounded, nor is whether a token is good', async () => {
    platform.advance(600_000);
    const { access_token } = await userWithSession(world);
    const answers = await flood(700, () => from('/auth/validate', { token: access_token }, '203.0.113.4'));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  }, 60_000);
});
