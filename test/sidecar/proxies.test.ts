/** Real proxies of Debian with the configurations that the project gives, in front of an application, beside a sidecar. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Sidecar } from '../../shared/process/sidecar.ts';
import { userWithSession } from '../e2e/world.ts';
import { type DebianProgram, debianProgram } from '../engines/debian-programs.ts';
import { freePort } from '../support/free-port.ts';
import { adminToken, openPlatform, openSidecar, type Rig } from './rig.ts';

const CONFIGS = join(import.meta.dirname, '../../infra/sidecar/proxies');

const ARGUMENTS: Record<Extract<DebianProgram, 'nginx' | 'caddy' | 'haproxy'>, (folder: string) => string[]> = {
  nginx: (folder) => ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr', '-g', 'daemon off; pid nginx.pid;'],
  caddy: (folder) => ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'],
  haproxy: (folder) => ['-f', join(folder, 'haproxy.cfg'), '-db'],
};

describe.each(Object.keys(ARGUMENTS) as (keyof typeof ARGUMENTS)[])('behind %s', (name) => {
  let rig: Rig;
  let sidecar: Sidecar;
  let seen: IncomingHttpHeaders[] = [];
  const app = createServer((request, response) => {
    seen.push(request.headers);
    request.resume().on('end', () => response.end('hello'));
  });
  const folder = mkdtempSync(join(tmpdir(), `perfect21-${name}-`));
  let url = '';
  let stop = async (): Promise<void> => {};

  const startProxy = async (port: number, sidecarPort: number): Promise<() => Promise<void>> => {
    const places = { '127.0.0.1:8000': `127.0.0.1:${port}`, '127.0.0.1:8090': `127.0.0.1:${sidecarPort}` };
    const appAt = `127.0.0.1:${(app.address() as AddressInfo).port}`;
    for (const file of readdirSync(CONFIGS)) {
      let text = readFileSync(join(CONFIGS, file), 'utf8').replaceAll('127.0.0.1:3000', appAt);
      for (const [from, to] of Object.entries(places)) text = text.replaceAll(from, to);
      // as whoever runs the tests, in a folder of their own
      if (file === 'nginx.conf')
        text = text.replace('events {}', `${process.getuid?.() === 0 ? 'user root;' : ''}\nevents {}`);
      if (file === 'nginx.conf')
        text = text.replace(
          'http {',
          'http {\n  access_log off;\n  client_body_temp_path t;\n  proxy_temp_path t;\n  fastcgi_temp_path t;\n  uwsgi_temp_path t;\n  scgi_temp_path t;',
        );
      writeFileSync(join(folder, file), text);
    }
    mkdirSync(join(folder, 'logs'), { recursive: true });
    const { path, env } = debianProgram(name);
    const home = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
    const child = spawn(path, ARGUMENTS[name](folder), {
      cwd: folder,
      env: { ...env, ...home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
    await vi.waitFor(
      async () => {
        if (child.exitCode !== null) throw new Error(`${name} ended: ${said}`);
        await fetch(`http://127.0.0.1:${port}/`);
      },
      { timeout: 15_000, interval: 50 },
    );
    return () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      });
  };

  beforeAll(async () => {
    await new Promise<void>((go) => app.listen(0, '127.0.0.1', go));
    rig = await openPlatform();
    sidecar = await openSidecar(rig.platform);
    const port = await freePort();
    stop = await startProxy(port, sidecar.http.port);
    url = `http://127.0.0.1:${port}`;
  }, 120_000);
  afterAll(async () => {
    await stop();
    await sidecar?.stop();
    await rig?.close();
    app.closeAllConnections();
    app.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    seen = [];
    const body = method === 'POST' ? 'a body' : undefined;
    const response = await fetch(url + path, { method, headers, body });
    await response.text();
    return response;
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  test.each(['GET', 'POST', 'DELETE'])(
    'a good token passes a %s, and the application learns whose it is',
    async (method) => {
      const { access_token, user_id, session_id } = await userWithSession(rig.world);
      const spoofed = {
        'x-user-id': 'somebody',
        'x-roles': 'admin',
        'x-session-id': 'another',
        'x-permissions': '*:*:*',
        // what an application that knows fields by the names of CGI takes for them
        ...{ x_user_id: 'somebody', 'X-User_Id': 'somebody', 'x-session_id': 'another', X_Roles: 'admin' },
        ...{ x_permissions: '*:*:*', 'x-token-expires_at': '1', 'x_token-expires-at': '1', 'x-token_expires-at': '1' },
      };
      const { status } = await ask('/things?x=1', { ...bearer(access_token), ...spoofed }, method);
      expect(status).toBe(200);
      expect(seen).toHaveLength(1);
      expect(seen[0]).toMatchObject({ 'x-user-id': user_id, 'x-session-id': session_id, 'x-roles': 'user' });
      expect(seen[0]!['x-permissions']).not.toContain('*:*:*');
      expect(Object.keys(seen[0]!).filter((field) => field.includes('_'))).toEqual([]);
    },
  );

  test('what a client writes into its own request gives it no permission', async () => {
    const { access_token } = await userWithSession(rig.world);
    const headers = { ...bearer(access_token), 'x-required-permission': 'profile:read:own', 'x-forwarded-uri': '/' };
    expect((await ask('/admin/users?permission=profile:read:own', headers)).status).toBe(403);
    expect(seen).toEqual([]);
  });

  test('no token, a bad one and a revoked one get no further, and are asked for a better one', async () => {
    const { access_token } = await userWithSession(rig.world);
    for (const headers of [{}, bearer('abc'), bearer(`${access_token}x`)]) {
      const response = await ask('/', { ...headers, 'x-user-id': 'somebody' } as Record<string, string>);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(seen).toEqual([]);
    }
    expect((await ask('/', bearer(access_token))).status).toBe(200);
    const { verifier, revocations } = rig.platform.host.ports;
    const verdict = await verifier.verify(access_token);
    if (!verdict.valid) throw new Error('a good token');
    revocations.learn({ kind: 'jti', value: verdict.claims.jti, error: 'revoked', created_at: Date.now() });
    await vi.waitFor(async () => expect((await ask('/', bearer(access_token))).status).toBe(401), { interval: 10 });
    expect(seen).toEqual([]);
  });

  test('what needs a permission is for who has it', async () => {
    const { access_token } = await userWithSession(rig.world);
    expect((await ask('/admin/users', bearer(access_token))).status).toBe(403);
    expect(seen).toEqual([]);
    const admin = await adminToken(rig);
    expect((await ask('/admin/users', bearer(admin.access_token))).status).toBe(200);
    expect(seen[0]).toMatchObject({ 'x-user-id': admin.user_id });
  });

  test('without its sidecar nothing passes', async () => {
    const alone = await openSidecar(rig.platform);
    await stop();
    const port = await freePort();
    stop = await startProxy(port, alone.http.port);
    url = `http://127.0.0.1:${port}`;
    const { access_token } = await userWithSession(rig.world);
    expect((await ask('/', bearer(access_token))).status).toBe(200);
    await alone.stop();
    const { status } = await ask('/', bearer(access_token));
    expect(status).toBeGreaterThanOrEqual(500);
    expect(seen).toEqual([]);
  });
});
