import { EventEmitter } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { afterEach, describe, expect, test } from 'vitest';
import { Held, HeldBytes, heldBytes } from '../../../shared/doors/fairness/held-bytes.ts';
import { startRig } from '../grpc/rig.ts';
import { startDemo } from '../http/harness.ts';

const MIB = 1024 * 1024;
/** More of them than there is room for. */
const MANY = 24;

const gRPC =
  (more: OutgoingHttpHeaders = {}) =>
  async () => {
    const rig = await startRig();
    const headers = {
      ':method': 'POST',
      ':path': '/perfect21.auth.AuthService/ValidateToken',
      'content-type': 'application/grpc',
      te: 'trailers',
      ...more,
    };
    // a frame that announces 2 MiB
    const begun = Buffer.concat([Buffer.from([0, 0, 0x20, 0, 0]), Buffer.alloc(MIB)]);
    const small = Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 0x74]);
    // larger than a token may be
    const large = Buffer.concat([Buffer.from([0, 0, 0x10, 0, 0]), Buffer.alloc(MIB)]);
    // unavailable
    return {
      port: rig.door.port,
      headers,
      begun,
      small,
      large,
      refused: ['14', 200],
      close: () => rig[Symbol.asyncDispose](),
    };
  };
const ways = {
  HTTP: async () => {
    const door = await startDemo();
    const headers = { ':method': 'PUT', ':path': '/api/v1/large', 'content-type': 'application/json' };
    const begun = Buffer.alloc(MIB - 1, ' ');
    const small = Buffer.from('{"text":"a"}');
    const large = Buffer.concat([small, Buffer.alloc(MIB - 1 - small.length, ' ')]);
    return {
      port: door.port,
      headers,
      begun,
      small,
      large,
      refused: [undefined, 503],
      close: () => door[Symbol.asyncDispose](),
    };
  },
  'gRPC, the short way': gRPC(),
  'gRPC, the long way': gRPC({ 'grpc-encoding': 'gzip' }),
};

describe.each(Object.entries(ways))('large messages over %s', (_, start) => {
  const sessions: ClientHttp2Session[] = [];
  const streams: ClientHttp2Stream[] = [];
  afterEach(() => {
    for (const session of sessions.splice(0)) session.destroy();
    streams.length = 0;
  });

  test('that come all at once are given up beyond what a process holds, and whole ones are answered meanwhile', async () => {
    const { port, headers, begun, small, large, refused, close } = await start();
    const ask = (body: Buffer, whole: boolean) => {
      const session = connect(`http://127.0.0.1:${port}`).on('error', () => {});
      sessions.push(session);
      const stream = session.request(headers).on('error', () => {});
      streams.push(stream);
      const answered = new Promise<[unknown, unknown]>((resolve) => {
        let head: OutgoingHttpHeaders = {};
        stream.on('response', (got) => {
          head = got;
          if (got['grpc-status'] !== undefined || got[':status'] !== 200) resolve([got['grpc-status'], got[':status']]);
        });
        stream.on('trailers', (got) => resolve([got['grpc-status'], head[':status']]));
      });
      stream.resume();
      if (whole) stream.end(body);
      else stream.write(body);
      return answered;
    };
    const halves = Array.from({ length: MANY }, () => ask(begun, false));
    expect(await Promise.race(halves)).toEqual(refused);
    expect(heldBytes.now).toBeLessThanOrEqual(16 * MIB);
    // whether its token is good does not matter: it is answered
    const [status] = refused[1] === 503 ? [204] : [200];
    expect((await ask(small, true))[1]).toBe(status);
    // who stopped in the middle keeps nobody out
    expect(await ask(large, true)).not.toEqual(refused);
    expect(heldBytes.now).toBeGreaterThan(8 * MIB);
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await expect.poll(() => heldBytes.now).toBe(0);
    for (const session of sessions) session.destroy();
    await close();
  });
});

test('what is let go leaves room, a message counts what it has beyond 16 KiB, and the one that began first makes room', () => {
  const held = new HeldBytes(100_000);
  const refused: string[] = [];
  const begin = (name: string) => new Held(new EventEmitter(), () => refused.push(name), held);
  const [one, two, three] = [begin('one'), begin('two'), begin('three')];
  one.grow(16_384);
  expect(held.now).toBe(0);
  one.grow(100_000);
  two.grow(16_384 + 10_000);
  expect([held.now, refused]).toEqual([93_616, []]);
  one.grow(101_000);
  three.grow(50_000);
  expect([held.now, refused]).toEqual([43_616, ['one']]);
  one.grow(101_000);
  one.end();
  two.end();
  two.end();
  expect([held.now, refused]).toEqual([33_616, ['one']]);
});

test('what it comes from closes, and nothing is held', () => {
  const held = new HeldBytes(100_000);
  const source = new EventEmitter();
  new Held(source, () => {}, held).grow(50_000);
  source.emit('close');
  expect(held.now).toBe(0);
});
