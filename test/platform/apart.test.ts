import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listAudit } from '../../functions/auth/list-audit.ts';
import { logout } from '../../functions/auth/logout.ts';
import { refresh } from '../../functions/auth/refresh.ts';
import { validateToken } from '../../functions/auth/validate-token.ts';
import { listSessions } from '../../functions/sessions/list-sessions.ts';
import { getMe } from '../../functions/users/get-me.ts';
import { http1Door } from '../e2e/doors/http.ts';
import { mailsFrom } from '../e2e/matrix.ts';
import { expectOk, loggedIn, userWithSession, type World } from '../e2e/world.ts';
import { freePort } from '../support/free-port.ts';
import { type Started, startProcess } from '../support/process.ts';

describe('services in processes of their own', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'perfect21-apart-'));
  const started: Record<string, Started> = {};
  const places: Record<string, string> = {
    auth: 'auth',
    users: 'users,permissions',
    sessions: 'sessions,notifications',
  };
  let world: World;
  let start: (name: string) => Promise<void>;

  beforeAll(async () => {
    const ports: Record<string, number> = {
      auth: await freePort(),
      users: await freePort(),
      sessions: await freePort(),
    };
    const at = (name: string): string => `127.0.0.1:${ports[name]}`;
    const discovery = `static:auth=${at('auth')},users=${at('users')},permissions=${at('users')},sessions=${at('sessions')},notifications=${at('sessions')}`;
    start = async (name) => {
      const env = {
        PERFECT21_SERVICES: places[name]!,
        PERFECT21_GRPC_PORT: String(ports[name]),
        DISCOVERY_URL: discovery,
      };
      started[name] = startProcess(dataDir, env);
      await started[name].ready;
    };
    for (const name of Object.keys(places)) await start(name);
    const doors = Object.fromEntries(
      Object.entries(started).map(([name, { address }]) => [name, http1Door(address('REST').replace('/api/v1', ''))]),
    );
    const mailboxPort = Number(new URL(started.sessions!.address('mailbox')).port);
    const credentials = JSON.parse(readFileSync(join(dataDir, 'dev-credentials.json'), 'utf8'));
    world = {
      ...credentials,
      name: 'HTTP/1.1 of each service',
      call: (op, input, options) => doors[op.name.split('.')[0]!]!.call(op, input, options),
      mails: async (to) => {
        for (;;) {
          const mails = await mailsFrom(mailboxPort, to);
          if (mails.length > 0) return mails;
        }
      },
    };
  }, 60_000);
  afterAll(async () => {
    await Promise.all(Object.values(started).map(({ end }) => end()));
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('do together what they do in one: register, verify, log in, read, refresh', async () => {
    const user = await userWithSession(world, { first_name: 'Ada' });
    const me = await expectOk(world.call(getMe, {}, { token: user.access_token }));
    expect(me).toMatchObject({ id: user.user_id, first_name: 'Ada' });
    const { sessions } = await expectOk(world.call(listSessions, {}, { token: user.access_token }));
    expect(sessions).toMatchObject([{ id: user.session_id, user_agent: 'test', ip_address: '127.0.0.1' }]);
    const next = await expectOk(world.call(refresh, { refresh_token: user.refresh_token }));
    expect(await expectOk(world.call(validateToken, { token: next.access_token }))).toMatchObject({ valid: true });
  });

  test('the administrator of the first start is one here, too', async () => {
    const { email, password } = world.admin;
    const { access_token } = await loggedIn(world, email, { password });
    const { permissions } = await expectOk(world.call(validateToken, { token: access_token }));
    expect(permissions).toContain('*:*:*');
  });

  test('what one service changes for another is told by who asked the other, once', async () => {
    const user = await userWithSession(world);
    await expectOk(world.call(logout, {}, { token: user.access_token }));
    const asked = { token: world.service_token };
    const { entries } = await expectOk(world.call(listAudit, { subject: user.user_id, limit: 200 }, asked));
    const told = entries.map(({ action, actor_kind }: Record<string, string>) => [action, actor_kind]);
    expect(told).toEqual([
      ['auth.logout', 'user'],
      ['auth.login', 'anonymous'],
      ['auth.verify-email', 'anonymous'],
      ['auth.register', 'anonymous'],
    ]);
    expect(entries[1].ip_address).toBe('127.0.0.1');
  });

  test('a logout reaches the process that did not see it', async () => {
    const user = await userWithSession(world);
    await expectOk(world.call(logout, {}, { token: user.access_token }));
    const seen = async () => (await world.call(getMe, {}, { token: user.access_token })).code;
    await expect.poll(seen, { timeout: 5_000, interval: 20 }).toBe('unauthenticated');
  });

  test('a service that is away makes the calls that need it unavailable, and no others; its return mends them', async () => {
    const user = await userWithSession(world);
    await started.sessions!.end('SIGKILL');
    const away = await world.call(refresh, { refresh_token: user.refresh_token });
    expect(away.code).toBe('unavailable');
    expect(await expectOk(world.call(validateToken, { token: user.access_token }))).toMatchObject({ valid: true });
    await start('sessions');
    const back = async () => (await world.call(refresh, { refresh_token: user.refresh_token })).ok;
    await expect.poll(back, { timeout: 10_000, interval: 50 }).toBe(true);
  });
});
