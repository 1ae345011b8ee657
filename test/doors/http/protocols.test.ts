import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { request as secureRequest } from 'node:https';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { protocolOf } from '../../../shared/doors/http/sniff.ts';
import { fixed } from '../../../shared/system/live.ts';
import { h2Request } from '../h2-request.ts';
import { startDemo, Wire } from './harness.ts';

const file = (name: string) => fileURLToPath(new URL(`certs/${name}`, import.meta.url));
const tls = { cert: readFileSync(file('test.crt')), key: readFileSync(file('test.key')) };
const ca = tls.cert;

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

const ask = (session: ClientHttp2Session, headers: Record<string, string>, body?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const stream = session.request(headers);
    const answer: Answer = { status: 0, headers: {}, body: '' };
    stream.setEncoding('utf8').on('response', (got) => {
      answer.headers = got;
      answer.status = Number(got[':status']);
    });
    stream.on('data', (text) => {
      answer.body += text;
    });
    stream.on('end', () => resolve(answer)).on('error', reject);
    stream.end(body);
  });

const echo = (session: ClientHttp2Session, text: string): Promise<Answer> =>
  ask(
    session,
    { ':method': 'POST', ':path': '/api/v1/echo', 'content-type': 'application/json' },
    JSON.stringify({ text }),
  );

const session = async (url: string): Promise<ClientHttp2Session & AsyncDisposable> => {
  const opened = connectHttp2(url, { ca });
  opened.on('error', () => {});
  await new Promise((resolve) => opened.once('connect', resolve));
  const dispose = async (): Promise<void> => opened.destroy();
  return Object.assign(opened, { [Symbol.asyncDispose]: dispose });
};

describe('one port for HTTP/1.1 and HTTP/2', () => {
  it('refuses who says twice who asks or whom, over HTTP/2 too', async () => {
    await using door = await startDemo();
    const statusOf = async (...more: [string, string][]) => {
      const fields = [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':path', '/healthz'],
        [':authority', 'a'],
      ] as const;
      return (await h2Request(door.port, [...fields, ...more])).status;
    };
    expect(await statusOf(['authorization', 'Bearer a'], ['host', 'a'])).toBe(200);
    expect(await statusOf(['authorization', 'Bearer a'], ['authorization', 'Bearer b'])).toBe(400);
    expect(await statusOf(['host', 'elsewhere'])).toBe(400);
  });

  it('speaks h2c with prior knowledge and HTTP/1.1 side by side', async () => {
    await using door = await startDemo();
    await using h2 = await session(door.url);
    const [over2, over1] = await Promise.all([
      echo(h2, 'two'),
      fetch(`${door.url}/api/v1/echo`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"text":"one"}',
      }),
    ]);
    expect(JSON.parse(over2.body)).toEqual({ text: 'two', ip: '127.0.0.1' });
    expect(over2.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
    expect(await over1.json()).toMatchObject({ text: 'one' });
  });

  it('recognises a protocol whose first bytes come one by one', async () => {
    await using door = await startDemo();
    const wire = new Wire(door.port);
    for (const byte of 'PUT /api/v1/echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n') {
      wire.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await wire.closed;
    expect(wire.heard).toMatch(/^HTTP\/1\.1 405 /);
  });

  it('tells the preface from every other beginning', () => {
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    fc.assert(
      fc.property(fc.nat(preface.length), fc.uint8Array({ maxLength: 64 }), (cut, rest) => {
        const bytes = Buffer.concat([preface.subarray(0, cut), rest]);
        const isPrefix = preface.subarray(0, bytes.length).equals(bytes.subarray(0, preface.length));
        const expected = !isPrefix ? 'h1' : bytes.length >= preface.length ? 'h2' : undefined;
        expect(protocolOf(bytes)).toBe(expected);
      }),
    );
  });

  it('answers HEAD, errors and late bodies over HTTP/2 as over HTTP/1.1', async () => {
    await using door = await startDemo({ limits: { request_ms: 40 } });
    await using h2 = await session(door.url);
    const head = await ask(h2, { ':method': 'HEAD', ':path': '/healthz' });
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe('15');
    const missing = await ask(h2, { ':path': '/nowhere' });
    expect(JSON.parse(missing.body)).toMatchObject({ code: 'not_found', status: 404 });
    const long = await ask(h2, { ':path': `/${'x'.repeat(9_000)}` });
    expect(JSON.parse(long.body)).toMatchObject({ code: 'uri_too_long' });
    const large = await echo(h2, 'x'.repeat(100_000));
    expect(JSON.parse(large.body)).toMatchObject({ code: 'payload_too_large' });

    const late = h2.request({ ':method': 'POST', ':path': '/api/v1/echo', 'content-type': 'application/json' });
    late.on('error', () => {});
    late.write('{"text":');
    const status = await new Promise((resolve) => late.once('response', (got) => resolve(got[':status'])));
    expect(status).toBe(408);
    expect((await echo(h2, 'still here')).status).toBe(200);
  });

  it('limits streams and header lists of an HTTP/2 connection', async () => {
    await using door = await startDemo();
    await using h2 = await session(door.url);
    await echo(h2, 'a');
    expect(h2.remoteSettings).toMatchObject({ maxConcurrentStreams: 100, maxHeaderListSize: 16_384 });
    const flood = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, 'y'.repeat(300)]));
    await expect(ask(h2, { ':path': '/healthz', ...flood })).rejects.toThrow();
    await using other = await session(door.url);
    expect((await echo(other, 'b')).status).toBe(200);
  });

  it('offers h2 and http/1.1 over TLS, and nothing in the clear', async () => {
    await using door = await startDemo({ tls: fixed(tls) });
    expect(door.url).toMatch(/^https:/);
    await using h2 = await session(door.url);
    expect(h2.alpnProtocol).toBe('h2');
    const over2 = await echo(h2, 'two');
    expect(JSON.parse(over2.body)).toMatchObject({ text: 'two' });
    expect(over2.headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
    const over1 = await new Promise<string | undefined>((resolve, reject) => {
      secureRequest(`${door.url}/healthz`, { ca, agent: false }, (answer) => {
        answer.resume();
        resolve(`${answer.statusCode} ${answer.httpVersion}`);
      })
        .on('error', reject)
        .end();
    });
    expect(over1).toBe('200 1.1');
    expect(await new Wire(door.port).exchange('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n')).not.toContain(
      'HTTP/1.1 200',
    );
  });
});

describe('HTTP/2 connections that only reset', () => {
  it('are ended, and no other client notices (rapid reset)', async () => {
    await using door = await startDemo();
    await using good = await session(door.url);
    await using bad = await session(door.url);
    const ended = new Promise((resolve) => bad.once('close', resolve));
    const abuse = setInterval(() => {
      for (let i = 0; i < 90 && !bad.destroyed && !bad.closed; i++) {
        const stream = bad.request({ ':path': '/api/v1/wait' });
        stream.on('error', () => {});
        stream.close(constants.NGHTTP2_CANCEL);
      }
    }, 1);
    const answers: number[] = [];
    let over = false;
    void ended.then(() => {
      over = true;
    });
    while (!over) answers.push((await echo(good, 'x')).status);
    clearInterval(abuse);
    expect(new Set(answers)).toEqual(new Set([200]));
    expect((await echo(good, 'after')).status).toBe(200);
  });

  it('are ended too when it is us they make reset (MadeYouReset)', async () => {
    await using door = await startDemo({ limits: { resets: { burst: 20, per_second: 1 } } });
    const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
      const head = Buffer.alloc(9);
      head.writeUIntBE(payload.length, 0, 3);
      head[3] = type;
      head[4] = flags;
      head.writeUInt32BE(stream, 5);
      return Buffer.concat([head, payload]);
    };
    // :method GET, :scheme http, :path literal, :authority literal
    const path = Buffer.from('/api/v1/wait');
    const block = Buffer.concat([Buffer.from([0x82, 0x86, 0x04, path.length]), path, Buffer.from([0x01, 0x01, 0x61])]);
    const wire = new Wire(door.port);
    wire.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').send(frame(4, 0, 0, Buffer.alloc(0)));
    for (let i = 0; i < 60; i++) {
      // a request, then a WINDOW_UPDATE of zero, which obliges the server to reset the stream
      wire.send(frame(1, 0x5, 2 * i + 1, block)).send(frame(8, 0, 2 * i + 1, Buffer.alloc(4)));
    }
    await wire.closed;
    expect((await fetch(`${door.url}/healthz`)).status).toBe(200);
  });
});
