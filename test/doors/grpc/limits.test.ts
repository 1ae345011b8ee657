import http2 from 'node:http2';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ValidateTokenRequest } from '../../../proto/gen/auth_service.ts';
import { PLATFORM_TOKEN, READER_TOKEN, startRig } from './rig.ts';

const VALIDATE = '/perfect21.auth.AuthService/ValidateToken';
const REFRESH = '/perfect21.auth.AuthService/RefreshToken';

let rig: Awaited<ReturnType<typeof startRig>>;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const token = (value: string) => ValidateTokenRequest.encode({ token: value }).finish();
const expectAlive = async () => expect((await rig.call(VALIDATE, token('t'))).code).toBe(0);

/** A length-prefixed message, as gRPC frames it. */
const framed = (message: Uint8Array, compressed = false) => {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed ? 1 : 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

/** One HTTP/2 request with any headers and body; resolves with the gRPC status or how the stream ended. */
const rawRequest = async (headers: http2.OutgoingHttpHeaders, body: Buffer): Promise<string> => {
  const session = http2.connect(`http://127.0.0.1:${rig.door.port}`);
  session.on('error', () => {});
  try {
    return await new Promise((resolve) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': VALIDATE,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      });
      let seen = '';
      const note = (received: http2.IncomingHttpHeaders) => {
        seen = String(received['grpc-status'] ?? (seen || `http ${received[':status']}`));
      };
      stream.on('response', note);
      stream.on('trailers', note);
      stream.on('error', (error) => {
        seen ||= error.message;
      });
      stream.on('close', () => resolve(seen));
      stream.resume();
      stream.end(body);
    });
  } finally {
    session.destroy();
  }
};

describe('a request that is too large', () => {
  test('for any method, past 4 MiB, is RESOURCE_EXHAUSTED', async () => {
    const four = 4 * 1024 * 1024;
    const options = { token: READER_TOKEN };
    for (const method of [REFRESH, VALIDATE]) {
      expect((await rig.call(method, token('x'.repeat(four - 100)), options)).code).toBe(0);
      expect((await rig.call(method, token('x'.repeat(four + 100)), options)).code).toBe(status.RESOURCE_EXHAUSTED);
    }
  });

  test('once unpacked is RESOURCE_EXHAUSTED as well', async () => {
    const bomb = framed(gzipSync(Buffer.alloc(64 * 1024 * 1024)), true);
    expect(await rawRequest({ 'grpc-encoding': 'gzip' }, bomb)).toBe(String(status.RESOURCE_EXHAUSTED));
    await expectAlive();
  });

  test('in its metadata, past 8 KiB, is refused', async () => {
    expect((await rig.call(VALIDATE, token('t'), { metadata: { 'x-a': 'a'.repeat(6_000) } })).code).toBe(0);
    const answer = await rig.call(VALIDATE, token('t'), { metadata: { 'x-a': 'a'.repeat(9_000) } });
    expect(answer.code).toBe(status.RESOURCE_EXHAUSTED);
    await expectAlive();
  });
});

describe('hostile bytes', () => {
  test('that are no protobuf are INVALID_ARGUMENT', async () => {
    for (const bytes of ['0aff', '0a05616263', 'ff', '0000', '0b', '0c0a', '0a01ff', '2207']) {
      const answer = await rig.call(VALIDATE, Buffer.from(bytes, 'hex'));
      expect([bytes, answer.code]).toEqual([bytes, status.INVALID_ARGUMENT]);
    }
  });

  test('of any kind end in an answer or INVALID_ARGUMENT, never worse', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect([0, status.INVALID_ARGUMENT]).toContain((await rig.call(VALIDATE, bytes)).code);
      }),
      { numRuns: 300 },
    );
    await expectAlive();
  });

  test('that are no JSON for an internal call are INVALID_ARGUMENT', async () => {
    const answer = await rig.call('/perfect21.internal.sessions/read', Buffer.from('{"id":'), {
      token: PLATFORM_TOKEN,
    });
    expect(answer.code).toBe(status.INVALID_ARGUMENT);
  });

  test('in frames, headers and paths do not end the process', async () => {
    const message = framed(token('t'));
    const cases: [http2.OutgoingHttpHeaders, Buffer][] = [
      [{}, Buffer.from('ffffffffff', 'hex')],
      [{}, Buffer.from('00', 'hex')],
      [{}, Buffer.alloc(0)],
      [{}, Buffer.concat([message, message])],
      [{}, framed(Buffer.from('not gzip'), true)],
      [{ 'grpc-encoding': 'gzip' }, framed(Buffer.from('not gzip'), true)],
      [{ 'grpc-encoding': 'br' }, framed(Buffer.from('x'), true)],
      [{ 'grpc-timeout': 'soon' }, message],
      [{ 'grpc-timeout': '99999999H' }, message],
      [{ 'grpc-timeout': '0n' }, message],
      [{ 'content-type': 'text/plain' }, message],
      [{ ':path': '/\u00ff\u00fe' }, message],
      [{ ':path': '*' }, message],
      [{ ':method': 'GET' }, Buffer.alloc(0)],
      [{ 'x-perfect21-client-bin': '!!!', 'x-request-id': '"', traceparent: 'ff-0-0-0' }, message],
    ];
    for (const [headers, body] of cases) await rawRequest(headers, body);
    await expectAlive();
  });

  test('instead of HTTP/2 do not end the process', async () => {
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(2_000, 0xff)]) {
      await new Promise<void>((resolve) => {
        const socket = connect(rig.door.port, '127.0.0.1', () => socket.end(bytes));
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    await expectAlive();
  });

  test('of streams opened and reset at once leave good clients served', async () => {
    const session = http2.connect(`http://127.0.0.1:${rig.door.port}`);
    session.on('error', () => {});
    const closed = new Promise<void>((resolve) => session.on('close', () => resolve()));
    for (let i = 0; i < 3_000 && !session.destroyed; i++) {
      const stream = session.request({ ':method': 'POST', ':path': VALIDATE, 'content-type': 'application/grpc' });
      stream.on('error', () => {});
      stream.close(http2.constants.NGHTTP2_CANCEL);
      if (i % 100 === 0) await new Promise(setImmediate);
    }
    await expectAlive();
    session.destroy();
    await closed;
  });
});
