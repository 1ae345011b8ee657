import { connect } from 'node:http2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunningHttp } from '../../../shared/doors/http/http.ts';
import { startDemo } from './harness.ts';

const APP = 'https://app.example';
const pages = { public_url: 'https://id.example', origins: [APP] };

const corsOf = ({ headers }: { headers: Headers }) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary'));
const preflight = (url: string, origin: string, path = '/api/v1/echo') =>
  fetch(`${url}${path}`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });
const call = (url: string, origin?: string, path = '/api/v1/echo') =>
  fetch(`${url}${path}`, {
    method: 'POST',
    body: JSON.stringify({ text: 'hello' }),
    headers: { 'content-type': 'application/json', ...(origin && { origin }) },
  });

describe('where the operator lists an origin', () => {
  let door: RunningHttp & AsyncDisposable;
  beforeAll(async () => {
    door = await startDemo({ pages });
  });
  afterAll(() => door[Symbol.asyncDispose]());

  test('its pages are told before they call what they may, and nothing of cookies', async () => {
    const answer = await preflight(door.url, APP);
    expect(answer.status).toBe(204);
    expect(corsOf(answer)).toEqual({
      'access-control-allow-origin': APP,
      'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers':
        'authorization, content-type, accept-language, traceparent, x-request-id, x-device-token',
      'access-control-max-age': '600',
      vary: 'origin',
    });
  });

  test.each([
    ['an answer', '/api/v1/echo', 200],
    ['a problem', '/api/v1/nothing', 404],
    ['what is refused before it meets a route', `/api/v1/${'x'.repeat(9_000)}`, 414],
  ])('its pages read %s', async (_, path, status) => {
    const answer = await call(door.url, APP, path);
    expect(answer.status).toBe(status);
    expect(corsOf(answer)).toEqual({
      'access-control-allow-origin': APP,
      'access-control-expose-headers': 'x-request-id, retry-after, www-authenticate, x-device-token',
      vary: 'origin',
    });
  });

  test('the same over HTTP/2', async () => {
    const session = connect(door.url);
    const asked = {
      ':method': 'OPTIONS',
      ':path': '/api/v1/echo',
      origin: APP,
      'access-control-request-method': 'PUT',
    };
    const head = await new Promise<Record<string, unknown>>((resolve, reject) => {
      session.request(asked).on('response', resolve).on('error', reject).resume().end();
    });
    session.close();
    expect(head).toMatchObject({ ':status': 204, 'access-control-allow-origin': APP, vary: 'origin' });
  });

  test.each([
    'https://evil.example',
    'https://app.example.evil.example',
    'https://app.example:8443',
    'http://app.example',
    'HTTPS://APP.EXAMPLE',
    'http://localhost:5173',
    'null',
    '*',
  ])('a page of %s reads nothing, and its answers are not handed on to others', async (origin) => {
    const asked = await preflight(door.url, origin);
    expect([asked.status, corsOf(asked)]).toEqual([405, { vary: 'origin' }]);
    const answer = await call(door.url, origin);
    expect([answer.status, corsOf(answer)]).toEqual([200, { vary: 'origin' }]);
  });

  test('who is no browser is answered as ever', async () => {
    expect(corsOf(await call(door.url))).toEqual({ vary: 'origin' });
    expect((await fetch(`${door.url}/api/v1/echo`, { method: 'OPTIONS' })).status).toBe(405);
  });
});

test('on a machine of one’s own pages of its ports may call, and others may not', async () => {
  await using door = await startDemo({ pages: { public_url: 'http://localhost:8080', origins: [] } });
  const { headers } = await call(door.url, 'http://localhost:5173');
  expect(headers.get('access-control-allow-origin')).toBe('http://localhost:5173');
  expect(corsOf(await call(door.url, 'https://localhost.evil.example'))).toEqual({ vary: 'origin' });
  expect(corsOf(await call(door.url))).toEqual({});
});

test('where nobody is listed no page of elsewhere may call', async () => {
  await using door = await startDemo({ pages: { public_url: 'https://id.example', origins: [] } });
  expect(corsOf(await call(door.url, 'http://localhost:5173'))).toEqual({});
  expect((await preflight(door.url, 'http://localhost:5173')).status).toBe(405);
});
