import http2 from 'node:http2';
import { gzipSync } from 'node:zlib';
import { Client, credentials, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ValidateTokenRequest } from '../../../proto/gen/auth_service.ts';
import { heldBytes } from '../../../shared/doors/fairness/held-bytes.ts';
import { beClosedInPeace } from '../../../shared/grpc/closing.ts';
import { h2Request } from '../h2-request.ts';
import { rawCall } from './raw-call.ts';
import { PLATFORM_TOKEN, READER_TOKEN, startRig } from './rig.ts';

const VALIDATE = '/perfect21.auth.AuthService/ValidateToken';

let rig: Awaited<ReturnType<typeof startRig>>;
beforeAll(async () => {
  rig = await startRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const message = Buffer.from(ValidateTokenRequest.encode({ token: 't' }).finish());
const framed = (flag: number, bytes: Buffer = message) => {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
};

interface Answer {
  code: number;
  text: string;
}
/** One HTTP/2 request with any headers and body. */
const ask = async (headers: http2.OutgoingHttpHeaders, body: Buffer): Promise<Answer> => {
  const session = http2.connect(`http://127.0.0.1:${rig.door.port}`);
  session.on('error', () => {});
  try {
    return await new Promise((resolve) => {
      const answer: Answer = { code: -1, text: '' };
      const note = (received: http2.IncomingHttpHeaders) => {
        if (received['grpc-status'] === undefined) return;
        answer.code = Number(received['grpc-status']);
        answer.text = decodeURIComponent(String(received['grpc-message'] ?? ''));
      };
      const fields = {
        ':method': 'POST',
        ':path': VALIDATE,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      };
      const stream = session.request(fields);
      stream.on('response', note).on('trailers', note);
      stream.on('error', () => {});
      stream.on('close', () => resolve(answer));
      stream.resume();
      stream.end(body);
    });
  } finally {
    session.destroy();
  }
};

describe('a frame', () => {
  test('is taken when it begins with 0, or with 1 and is packed as the call says', async () => {
    expect((await ask({}, framed(0))).code).toBe(status.OK);
    expect((await ask({ 'grpc-encoding': 'gzip' }, framed(1, gzipSync(message)))).code).toBe(status.OK);
    expect((await ask({ 'grpc-encoding': 'gzip' }, framed(0))).code).toBe(status.OK);
  });

  test('that begins with anything else is refused', async () => {
    for (const flag of [2, 0x7f, 0x80, 0xff])
      expect([flag, (await ask({}, framed(flag))).code]).toEqual([flag, status.INTERNAL]);
  });

  test('that is packed is refused when the call names no encoding', async () => {
    for (const headers of [{}, { 'grpc-encoding': 'identity' }]) {
      expect((await ask(headers, framed(1, gzipSync(message)))).code).toBe(status.INTERNAL);
      expect((await ask(headers, framed(1))).code).toBe(status.INTERNAL);
    }
  });
});

describe('a field', () => {
  const field = (tag: number[], ...value: number[]) => rig.call(VALIDATE, Buffer.from([...message, ...tag, ...value]));

  test('that nobody knows is passed over, up to the highest number', async () => {
    expect((await field([0x78], 1)).code).toBe(status.OK);
    // number 536,870,911, length-delimited
    expect((await field([0xfa, 0xff, 0xff, 0xff, 0x0f], 1, 0x61)).code).toBe(status.OK);
  });

  test('with the number 0, or one above the highest, is refused', async () => {
    for (const tag of [
      [0x00],
      [0x02],
      [0x05],
      // 2^29, which cut to 32 bits is 0; and a token in disguise
      [0x82, 0x80, 0x80, 0x80, 0x10],
      [0x8a, 0x80, 0x80, 0x80, 0x10],
      [0x8a, 0x80, 0x80, 0x80, 0x80, 0x01],
    ]) {
      expect([tag, (await field(tag, 1, 0x61, 0, 0)).code]).toEqual([tag, status.INVALID_ARGUMENT]);
    }
  });

  test('that is negative takes ten bytes and is read as it was written', async () => {
    // status = -1 of UpdateUserStatus: no such status, and no broken message
    const bytes = Buffer.from([0x0a, 0x01, 0x61, 0x10, ...Array(9).fill(0xff), 0x01]);
    const answer = await rig.call('/perfect21.user.UserService/UpdateUserStatus', bytes, { token: PLATFORM_TOKEN });
    expect(answer.code).toBe(status.OK);
  });
});

describe('grpc-timeout', () => {
  test('is kept, however long', async () => {
    for (const timeout of ['5S', '99999999H', '90000m']) {
      expect([timeout, (await ask({ 'grpc-timeout': timeout }, framed(0))).code]).toEqual([timeout, status.OK]);
    }
    const { deadline } = rig.contexts.at(-1);
    expect(deadline - Date.now()).toBeGreaterThan(60_000);
  });

  test('that is over is DEADLINE_EXCEEDED before anything runs', async () => {
    const before = rig.contexts.length;
    for (const timeout of ['0n', '0S', '00000000H']) {
      expect([timeout, (await ask({ 'grpc-timeout': timeout }, framed(0))).code]).toEqual([
        timeout,
        status.DEADLINE_EXCEEDED,
      ]);
    }
    expect(rig.contexts).toHaveLength(before);
  });

  test('that is none is refused', async () => {
    for (const timeout of ['-1S', '1', 'S', '1s', '1 S', '123456789S', '1.5S', '1S1S', '0x1S']) {
      expect([timeout, (await ask({ 'grpc-timeout': timeout }, framed(0))).code]).toEqual([timeout, status.INTERNAL]);
    }
  });
});

test('a call without a message is told that it takes one', async () => {
  const answer = await ask({}, Buffer.alloc(0));
  expect(answer.code).toBe(status.UNIMPLEMENTED);
  expect(answer.text).toBe(`${VALIDATE} takes exactly one message`);
  expect((await ask({}, Buffer.concat([framed(0), framed(0)]))).text).toBe(`${VALIDATE} takes exactly one message`);
});

test('two credentials are one too many, whichever comes first', async () => {
  const [good, bad] = [`Bearer ${READER_TOKEN}`, 'Bearer p21s_wrong'];
  const send = (...credentials: string[]) =>
    h2Request(
      rig.door.port,
      [
        [':method', 'POST'],
        [':scheme', 'http'],
        [':path', '/perfect21.user.UserService/GetUser'],
        [':authority', 'a'],
        ['content-type', 'application/grpc'],
        ['te', 'trailers'],
        ...credentials.map((each): [string, string] => ['authorization', each]),
      ],
      framed(0, Buffer.alloc(0)),
    );
  const before = rig.contexts.length;
  expect((await send(good)).whole).toBe(false);
  expect(rig.contexts).toHaveLength(before + 1);
  for (const both of [
    [good, bad],
    [bad, good],
    [good, good],
  ]) {
    // a refusal is one head and nothing more
    expect(await send(...both)).toEqual({ status: 200, whole: true });
  }
  expect(rig.contexts).toHaveLength(before + 1);
});

beClosedInPeace();
test('a stop lets a call finish though a keepalive ping is due meanwhile, on either side', async () => {
  for (const pinging of ['server', 'client']) {
    const often = { 'grpc.keepalive_time_ms': 50, 'grpc.keepalive_timeout_ms': 1_000 };
    await using stopping = await startRig(pinging === 'server' ? { channel: often } : {});
    const options = pinging === 'client' ? { ...often, 'grpc.keepalive_permit_without_calls': 1 } : {};
    const client = new Client(`127.0.0.1:${stopping.door.port}`, credentials.createInsecure(), options);
    const waiting = rawCall(client, '/perfect21.internal.sessions/wait', Buffer.from('{}'), { token: PLATFORM_TOKEN });
    await stopping.entered;
    const stopped = stopping.door.stop();
    await new Promise((resolve) => setTimeout(resolve, 300));
    stopping.release();
    expect([pinging, (await waiting).code]).toEqual([pinging, status.OK]);
    await stopped;
    client.close();
  }
});

test('a stop waits for what is not finished no longer than it says: also for a request that never becomes whole', async () => {
  const own = await startRig({ grace_ms: 100 });
  const session = http2.connect(`http://127.0.0.1:${own.door.port}`);
  session.on('error', () => {});
  const headers = { ':method': 'POST', ':path': VALIDATE, 'content-type': 'application/grpc', te: 'trailers' };
  const stream = session.request(headers).on('error', () => {});
  stream.resume().write(Buffer.concat([Buffer.from([0, 0, 0x20, 0, 0]), Buffer.alloc(100_000)]));
  await expect.poll(() => heldBytes.now).toBeGreaterThan(0);
  const ended = new Promise((resolve) => session.once('close', resolve));
  await own.door.stop();
  await ended;
});
