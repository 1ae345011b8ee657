import { describe, expect, it } from 'vitest';
import { startHttp } from '../../../shared/doors/http/http.ts';
import { exposition } from '../../../shared/system/metrics.ts';
import { demo, fakeHost, startDemo, until } from './harness.ts';

const post = (url: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/api/v1/echo`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

describe('the HTTP door', () => {
  it('answers an operation with its output, security headers and no banner', async () => {
    await using door = await startDemo();
    const answer = await post(door.url, '{"text":"hello"}', { 'content-type': 'application/json; charset=UTF-8' });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ text: 'hello', ip: '127.0.0.1' });
    const headers = Object.fromEntries(answer.headers);
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-request-id': 'id-1',
    });
    expect(headers).not.toHaveProperty('server');
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('strict-transport-security');
  });

  it('sends HSTS for one year when callers come over TLS', async () => {
    await using door = await startDemo({ secure: true });
    for (const path of ['/healthz', '/nowhere']) {
      const answer = await fetch(door.url + path);
      expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains');
    }
  });

  it('keeps a caller’s plain request id and replaces any other', async () => {
    await using door = await startDemo();
    for (const path of ['/api/v1/things/a', '/nowhere', '/healthz']) {
      const kept = await fetch(door.url + path, { headers: { 'x-request-id': 'mine_1-2' } });
      expect(kept.headers.get('x-request-id')).toBe('mine_1-2');
      const replaced = await fetch(door.url + path, { headers: { 'x-request-id': 'a b"c' } });
      expect(replaced.headers.get('x-request-id')).toMatch(/^id-\d+$/);
    }
  });

  it('carries path parameters and query to the operation', async () => {
    await using door = await startDemo();
    const answer = await fetch(`${door.url}/api/v1/things/a%2Fb%20%C3%A9?fields=x%2Cy`);
    expect(await answer.json()).toEqual({ thing_id: 'a/b é', fields: 'x,y' });
    expect(answer.headers.get('cache-control')).toBe('max-age=60');
  });

  it('answers HEAD as GET without a body', async () => {
    await using door = await startDemo();
    for (const path of ['/api/v1/things/a', '/healthz']) {
      const got = await fetch(door.url + path);
      const head = await fetch(door.url + path, { method: 'HEAD' });
      expect(head.status).toBe(200);
      expect(head.headers.get('content-length')).toBe(String((await got.text()).length));
      expect(await head.text()).toBe('');
    }
  });

  it('takes a larger body where the operation says so, and no more', async () => {
    await using door = await startDemo();
    const put = (size: number) =>
      fetch(`${door.url}/api/v1/large`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text: 'x'.repeat(size) }),
      });
    expect((await put(500_000)).status).toBe(204);
    expect((await put(1_100_000)).status).toBe(413);
  });

  it('says of a field that is missing that it is required, and of another what it should be', async () => {
    await using door = await startDemo();
    const errorsOf = async (body: object) => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${door.url}/api/v1/echo`, { method: 'POST', headers, body: JSON.stringify(body) });
      return ((await answer.json()) as { errors: object[] }).errors;
    };
    expect(await errorsOf({})).toEqual([{ path: 'text', message: 'Is required' }]);
    expect(await errorsOf({ text: null })).toEqual([{ path: 'text', message: 'Has to be text' }]);
  });

  it('hides what broke and logs it', async () => {
    await using door = await startDemo();
    const answer = await fetch(`${door.url}/api/v1/things/broken`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret detail');
    expect(door.lines).toContainEqual(expect.objectContaining({ code: 'operation.failed', operation: 'demo.get' }));
  });

  it('asks for credentials with WWW-Authenticate', async () => {
    await using door = await startDemo();
    const answer = await fetch(`${door.url}/api/v1/things/a`, { method: 'DELETE' });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="perfect21"');
  });

  it('logs each request at debug, its own failures at warn, and never a path or a value', async () => {
    await using door = await startDemo();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await fetch(`${door.url}/api/v1/things/canary-1?fields=canary-2`, { headers: { traceparent } });
    await fetch(`${door.url}/api/v1/things/broken`);
    const lines = door.lines.filter(({ code }) => code === 'http.request');
    expect(lines[0]).toMatchObject({
      level: 'debug',
      method: 'GET',
      route: '/api/v1/things/{thing_id}',
      status: 200,
      request_id: 'id-1',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
    });
    expect(lines[1]).toMatchObject({ level: 'warn', status: 500 });
    expect(JSON.stringify(door.lines)).not.toContain('canary');
  });

  it('logs slow answers at info', async () => {
    await using door = await startDemo({ limits: { slow_ms: 0 } });
    await fetch(`${door.url}/api/v1/things/a`);
    expect(door.lines.find(({ code }) => code === 'http.request')?.level).toBe('info');
  });

  it('counts requests by route template, and connections', async () => {
    await using door = await startDemo();
    await fetch(`${door.url}/api/v1/things/a`);
    await fetch(`${door.url}/api/v1/things/missing`);
    await fetch(`${door.url}/api/v1/nothing/${'x'.repeat(20)}`);
    await post(door.url, '{');
    const { body } = await exposition(door.metrics);
    const sample = (endpoint: string, method: string, status: number, name = 'demo') =>
      `perfect21_requests_total{service="${name}",method="${method}",endpoint="${endpoint}",status="${status}"} 1`;
    expect(body).toContain(sample('/api/v1/things/{thing_id}', 'GET', 200));
    expect(body).toContain(sample('/api/v1/things/{thing_id}', 'GET', 404));
    expect(body).toContain(sample('/api/v1/echo', 'POST', 400));
    expect(body).toContain(sample('unmatched', 'GET', 404, 'perfect21'));
    expect(body).toMatch(/perfect21_request_duration_seconds_count\{service="demo",.*thing_id\}"\} 2/);
    expect(body).toMatch(/perfect21_active_connections\{service="demo"\} [1-9]/);
    await door.stop();
    await until(async () => /active_connections\{service="demo"\} 0/.test((await exposition(door.metrics)).body));
  });

  it('names the variable to set when the port is taken', async () => {
    await using door = await startDemo();
    const { host } = fakeHost();
    const second = (variable?: string) =>
      startHttp(host, [demo()], { host: '127.0.0.1', port: door.port, port_variable: variable });
    await expect(second()).rejects.toThrow(`port ${door.port} is taken: set PERFECT21_HTTP_PORT to another`);
    await expect(second('OTHER_PORT')).rejects.toMatchObject({ name: 'StartError', message: /OTHER_PORT/ });
  });
});

describe('routes of the process', () => {
  it('is alive at /healthz', async () => {
    await using door = await startDemo();
    const answer = await fetch(`${door.url}/healthz`);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.json()).toEqual({ status: 'ok' });
  });

  it('is ready when every dependency answers, and says which does not', async () => {
    let away = false;
    const ping = async (): Promise<void> => {
      if (away) throw new Error('password=hunter2 refused');
    };
    await using door = await startDemo({ ports: { store: { ping } as never } });
    const ask = async () => {
      const answer = await fetch(`${door.url}/readyz`);
      return { status: answer.status, body: await answer.json() };
    };
    expect(await ask()).toEqual({ status: 200, body: { status: 'ok', checks: { store: { status: 'ok' } } } });
    away = true;
    const unavailable = { status: 'unavailable', checks: { store: { status: 'unavailable' } } };
    expect(await ask()).toEqual({ status: 503, body: unavailable });
    away = false;
    expect((await ask()).status).toBe(200);
  });

  it('does not wait for a dependency that hangs', async () => {
    const store = { ping: () => new Promise<void>(() => {}) } as never;
    await using door = await startDemo({ ports: { store }, limits: { ready_ms: 20 } });
    expect((await fetch(`${door.url}/readyz`)).status).toBe(503);
  });

  it('serves documents and pages with the policy that each needs', async () => {
    await using door = await startDemo({
      openapi: async () => ({ openapi: '3.1.0' }),
      routes: [
        { path: '/docs', contentType: 'text/html; charset=utf-8', body: '<!doctype html><p>é' },
        {
          path: '/docs/app.js',
          contentType: 'text/javascript',
          body: Buffer.from('1'),
          headers: { 'cache-control': 'max-age=9' },
        },
      ],
    });
    expect(await (await fetch(`${door.url}/openapi.json`)).json()).toEqual({ openapi: '3.1.0' });
    const page = await fetch(`${door.url}/docs?token=x`);
    expect(await page.text()).toBe('<!doctype html><p>é');
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    const script = await fetch(`${door.url}/docs/app.js`);
    expect(script.headers.get('cache-control')).toBe('max-age=9');
    expect(script.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('makes what takes long when it is asked for, once, and again after it failed', async () => {
    let tries = 0;
    const body = async (): Promise<string> => {
      tries += 1;
      if (tries === 1) throw new Error('the disk is away');
      return 'read';
    };
    await using door = await startDemo({ routes: [{ path: '/docs/app.js', contentType: 'text/javascript', body }] });
    const ask = () => fetch(`${door.url}/docs/app.js`);
    expect(tries).toBe(0);
    const failed = await ask();
    expect([failed.status, await failed.text()]).toEqual([500, expect.not.stringContaining('disk')]);
    for (const answer of [await ask(), await ask()])
      expect([answer.status, await answer.text()]).toEqual([200, 'read']);
    expect(tries).toBe(2);
  });
});
