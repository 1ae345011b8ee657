import { connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemOf, startDemo, until, Wire } from './harness.ts';

const JSON_HEAD = 'POST /api/v1/echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';
const post = (body: string, type = 'application/json'): string =>
  `POST /api/v1/echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`;
const get = (target: string, headers = ''): string =>
  `GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${headers}\r\n`;

/** What is sent, and the status and code that it earns. */
const CASES: Record<string, [sent: string, status: number, code: string]> = {
  'a body that announces too much': [`${JSON_HEAD}content-length: 99999999\r\n\r\n{`, 413, 'payload_too_large'],
  'chunks that grow too large': [
    `${JSON_HEAD}transfer-encoding: chunked\r\n\r\n${`4000\r\n${'x'.repeat(0x4000)}\r\n`.repeat(5)}`,
    413,
    'payload_too_large',
  ],
  'chunks that never end': [`${JSON_HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"tex\r\n`, 408, 'request_timeout'],
  'a body that never comes': [`${JSON_HEAD}content-length: 10\r\n\r\n`, 408, 'request_timeout'],
  'headers that never end': ['GET /healthz HTTP/1.1\r\nhost: a\r\nx-slow: ', 408, 'request_timeout'],
  'a bad chunk': [`${JSON_HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400, 'invalid_request'],
  'two lengths': [`${JSON_HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, 400, 'invalid_request'],
  'length and chunks (request smuggling)': [
    `${JSON_HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'invalid_request',
  ],
  'a flood of headers': [get('/healthz', `x: ${'y'.repeat(20_000)}\r\n`), 431, 'headers_too_large'],
  'a long address': [get(`/${'x'.repeat(9_000)}`), 414, 'uri_too_long'],
  'a long segment': [get(`/api/v1/things/${'x'.repeat(600)}`), 414, 'uri_too_long'],
  'no host': ['GET /healthz HTTP/1.1\r\n\r\n', 400, 'invalid_request'],
  'two hosts': [get('/healthz', 'Host: b\r\n'), 400, 'invalid_request'],
  'the same host twice': [get('/healthz', 'host: a\r\n'), 400, 'invalid_request'],
  'two authorizations': [
    get('/healthz', 'authorization: Bearer a\r\nAuthorization: Bearer b\r\n'),
    400,
    'invalid_request',
  ],
  'a request line without a version': ['GET /\r\n\r\n', 400, 'invalid_request'],
  'an expectation': [get('/healthz', 'expect: miracles\r\n'), 400, 'invalid_request'],
  'an unknown method': ['BREW /healthz HTTP/1.1\r\nhost: a\r\n\r\n', 400, 'invalid_request'],
  'no HTTP at all': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'invalid_request'],
  'half of the HTTP/2 preface': ['PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 400, 'invalid_request'],
  'bad JSON': [post('{"text":'), 400, 'invalid_request'],
  'text that is not UTF-8': [post('{"text":"\xff\xfe"}'), 400, 'invalid_request'],
  'JSON that is no object': [post('[1]'), 400, 'invalid_request'],
  'deep JSON': [post('['.repeat(30_000) + ']'.repeat(30_000)), 400, 'invalid_request'],
  'deep JSON in a field': [post(`{"text":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`), 400, 'invalid_request'],
  'deep JSON with __proto__': [
    post(`{"__proto__":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
    400,
    'invalid_request',
  ],
  __proto__: [post('{"text":"a","__proto__":{"admin":true}}'), 400, 'invalid_request'],
  '__proto__ in disguise': [post('{"text":"a","\\u005f_proto__":{}}'), 400, 'invalid_request'],
  'an unknown field': [post('{"text":"a","admin":true}'), 400, 'invalid_request'],
  'no body': [post(''), 400, 'invalid_request'],
  'a form': [post('text=a', 'application/x-www-form-urlencoded'), 415, 'unsupported_media_type'],
  'text that a browser may send anywhere': [post('{"text":"a"}', 'text/plain'), 415, 'unsupported_media_type'],
  'another charset': [post('{"text":"a"}', 'application/json; charset=utf-16'), 415, 'unsupported_media_type'],
  'two content types': [post('{"text":"a"}', 'application/json, text/plain'), 415, 'unsupported_media_type'],
  'no content type': [post('{"text":"a"}', ''), 415, 'unsupported_media_type'],
  'a packed body': [post('x').replace('host: a', 'host: a\r\ncontent-encoding: gzip'), 415, 'unsupported_media_type'],
  'GET with a body': [`${get('/api/v1/things/a', 'content-length: 5\r\n')}hello`, 400, 'invalid_request'],
  'a repeated query': [get('/api/v1/things/a?fields=x&fields=y'), 400, 'invalid_request'],
  '__proto__ in the query': [get('/api/v1/things/a?__proto__=x'), 400, 'invalid_request'],
  'a query that the path knows': [get('/api/v1/things/a?thing_id=b'), 400, 'invalid_request'],
  'NUL in the query': [get('/api/v1/things/a?fields=%00'), 400, 'invalid_request'],
  'NUL in the path': [get('/api/v1/things/a%00b'), 400, 'invalid_request'],
  'a line end in the path': [get('/api/v1/things/a%0d%0aset-cookie:b'), 400, 'invalid_request'],
  'percent garbage': [get('/api/v1/things/%zz%'), 400, 'invalid_request'],
  'bytes that are no UTF-8 in the path': [get('/api/v1/things/%ff%fe'), 400, 'invalid_request'],
  'an empty id': [get('/api/v1/things/'), 404, 'not_found'],
  'an unknown path': [get('/nowhere'), 404, 'not_found'],
  'an unknown path with a bad body': [post('{').replace('/api/v1/echo', '/nowhere'), 404, 'not_found'],
  'a path with dots': [get('/api/v1/../../etc/passwd'), 404, 'not_found'],
  'another server’s address': [get('http://elsewhere/nowhere'), 404, 'not_found'],
  everything: ['OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', 404, 'not_found'],
  'an uncommon method': [
    'PROPFIND /api/v1/echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n',
    405,
    'method_not_allowed',
  ],
};

const tiny = { headers_ms: 60, request_ms: 100, sweep_ms: 10, idle_ms: 100 };

describe('a hostile request is answered with a problem, and the next good one as ever', () => {
  it.concurrent.each(Object.entries(CASES))('%s', async (_, [sent, status, code]) => {
    await using door = await startDemo({ limits: tiny });
    const answer = problemOf(await new Wire(door.port).exchange(Buffer.from(sent, 'latin1')));
    expect({ ...answer, headers: undefined, problem: { ...answer.problem } }).toMatchObject({
      status,
      type: 'application/problem+json',
      problem: { status, code, type: `urn:perfect21:error:${code}`, title: expect.any(String) },
    });
    expect(answer.headers).toMatch(/^x-request-id: \S+$/im);
    expect(answer.headers).toMatch(/^x-content-type-options: nosniff$/im);
    expect(answer.headers).toMatch(/^content-security-policy: .*frame-ancestors 'none'/im);
    const good = await new Wire(door.port).exchange(post('{"text":"a"}'));
    expect(good).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('tells which methods a path has', async () => {
    await using door = await startDemo();
    const answer = await fetch(`${door.url}/api/v1/things/a`, { method: 'POST' });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('GET, HEAD, DELETE');
  });

  it('answers the good requests of a pipeline before it refuses the garbage after them', async () => {
    await using door = await startDemo();
    const wire = new Wire(door.port);
    wire.send('GET /api/v1/wait HTTP/1.1\r\nhost: a\r\n\r\ngarbage\r\n\r\n');
    await until(() => door.gate.arrived === 1);
    door.gate.open();
    await wire.closed;
    expect(wire.heard).toMatch(/^HTTP\/1\.1 200 [\s\S]*"waited":true\}HTTP\/1\.1 400 /);
  });

  it('closes connections that say nothing, and those that drip', async () => {
    await using door = await startDemo({ limits: tiny });
    const silent = new Wire(door.port);
    const dripping = new Wire(door.port).send('GET /healthz HTTP/1.1\r\n');
    const drip = setInterval(() => dripping.send('x: y\r\n'), 5);
    const half = new Wire(door.port).send('PRI * HT');
    await Promise.all([silent.closed, dripping.closed, half.closed]);
    clearInterval(drip);
    expect(dripping.heard).toMatch(/^HTTP\/1\.1 408 /);
    expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
  });

  it('lets idle connections go', async () => {
    await using door = await startDemo({ limits: { idle_ms: 20 } });
    const wire = new Wire(door.port).send('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
    await wire.closed;
    expect(wire.heard).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('takes no more connections than it may', async () => {
    await using door = await startDemo({ limits: { connections: 2 } });
    const held = [new Wire(door.port), new Wire(door.port)];
    for (const wire of held) await wire.send('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n').hear('200');
    const third = new Wire(door.port).send('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
    await third.closed;
    expect(third.heard).toBe('');
    held[0]!.socket.destroy();
    await held[0]!.closed;
    await held[1]!.send('GET /api/v1/things/a HTTP/1.1\r\nhost: a\r\n\r\n').hear('thing_id');
  });

  it('survives clients that vanish at any point', async () => {
    await using door = await startDemo();
    const whole = post('{"text":"a"}');
    for (let cut = 0; cut < whole.length; cut += 7) {
      await new Promise<void>((resolve) => {
        const socket = connect(door.port, '127.0.0.1', () => {
          socket.write(whole.slice(0, cut));
          socket.resetAndDestroy();
        });
        socket.on('error', () => {}).on('close', () => resolve());
      });
    }
    expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
    expect(door.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('survives any bytes', async () => {
    await using door = await startDemo({ limits: tiny });
    const piece = fc.oneof(
      fc.constantFrom('GET ', 'POST ', '/api/v1/echo', ' HTTP/1.1', '\r\n', '\r\n\r\n', 'host: a\r\n', '%', '{"text":'),
      fc.constantFrom(
        'transfer-encoding: chunked\r\n',
        'content-length: 3\r\n',
        '0\r\n',
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      ),
      fc.string({ maxLength: 10 }),
    );
    const message = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 20, maxLength: 20 }), async (messages) => {
        const heard = messages.map(async (bytes) => {
          const wire = new Wire(door.port);
          wire.socket.end(bytes);
          await wire.closed;
          return wire.heard;
        });
        for (const answer of await Promise.all(heard)) {
          if (answer.startsWith('HTTP/1.1 ')) expect(answer).toMatch(/^HTTP\/1\.1 (200|4\d\d) /);
        }
      }),
      { numRuns: 10 },
    );
    expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
  });
});
