import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { turns } from '../../../shared/doors/fairness/turns.ts';
import { readBody } from '../../../shared/doors/http/read.ts';
import { startRig } from '../grpc/rig.ts';
import { startDemo } from '../http/harness.ts';

const VALIDATE = '/perfect21.auth.AuthService/ValidateToken';
const session = (port: number): Promise<ClientHttp2Session> =>
  new Promise((resolve, reject) => {
    const made = connect(`http://127.0.0.1:${port}`);
    made.on('error', reject).once('remoteSettings', () => resolve(made));
  });
const streamsOf = (session: ClientHttp2Session) => session.remoteSettings.maxConcurrentStreams;

const doors = {
  HTTP: async () => {
    const door = await startDemo();
    return { port: door.port, most: 100, headers: { ':path': '/healthz' }, close: () => door[Symbol.asyncDispose]() };
  },
  gRPC: async () => {
    const rig = await startRig();
    const headers = { ':method': 'POST', ':path': VALIDATE, 'content-type': 'application/grpc', te: 'trailers' };
    return { port: rig.door.port, most: 256, headers, close: () => rig[Symbol.asyncDispose]() };
  },
};

for (const [name, start] of Object.entries(doors)) {
  describe(`the ${name} port`, () => {
    test('gives each connection fewer streams while there are many, and more again when they are gone', async () => {
      const door = await start();
      const first = await session(door.port);
      expect(streamsOf(first)).toBe(door.most);
      const others = await Promise.all(Array.from({ length: 99 }, () => session(door.port)));
      await expect.poll(() => streamsOf(first)! * 100).toBeLessThanOrEqual(1_000);
      expect(streamsOf(others.at(-1)!)).toBeLessThanOrEqual(10);
      for (const other of others) other.destroy();
      await expect.poll(() => streamsOf(first)).toBe(door.most);
      first.destroy();
      await door.close();
    });

    test('takes fewer bytes at once from each connection while there are many, and more again when they are gone', async () => {
      const door = await start();
      const first = await session(door.port);
      const others = await Promise.all(Array.from({ length: 99 }, () => session(door.port)));
      const last = others.at(-1)!;
      // what each may send at first is the protocol's, 64 KiB; what is told counts once that is used
      const send = (on: ClientHttp2Session) =>
        new Promise((resolve) => {
          const stream = on.request({ ...door.headers, ':method': 'POST' }).on('error', () => {});
          stream.once('close', resolve).resume().end(Buffer.alloc(20_000));
        });
      for (const on of [first, last]) for (let n = 0; n < 5; n += 1) await send(on);
      for (const on of [first, last]) await expect.poll(() => on.state.remoteWindowSize!).toBeLessThanOrEqual(16_384);
      for (const other of others) other.destroy();
      // it is told with what is written next
      await expect.poll(() => send(first).then(() => first.state.remoteWindowSize)).toBeGreaterThan(50_000);
      first.destroy();
      await door.close();
    });

    test('ends a connection that only resets, and keeps one that gives up now and then', async () => {
      const door = await start();
      const bad = await session(door.port);
      const good = await session(door.port);
      const ended = new Promise((resolve) => bad.once('close', resolve));
      bad.removeAllListeners('error').on('error', () => {});
      const ask = (on: ClientHttp2Session, giveUp: boolean) =>
        new Promise((resolve) => {
          const stream = on
            .request(door.headers)
            .on('error', () => {})
            .once('close', resolve)
            .resume();
          if (giveUp) stream.close(constants.NGHTTP2_CANCEL);
          else stream.end();
        });
      const abuse = (async () => {
        while (!bad.destroyed && !bad.closed) {
          for (let i = 0; i < 50 && !bad.destroyed && !bad.closed; i += 1) void ask(bad, true);
          await sleep(1);
        }
      })();
      for (let i = 0; i < 1_000; i += 1) await ask(good, i % 4 === 0);
      await ended;
      await abuse;
      expect(good.destroyed).toBe(false);
      good.destroy();
      await door.close();
    });
  });
}

test('a body that is too large is refused in the turn of its connection', async () => {
  const request = Object.assign(new PassThrough(), { headers: {}, httpVersionMajor: 1, socket: {} });
  const refused = vi.fn();
  const read = readBody(request as never, 10, performance.now() + 1_000, (body) => body).catch(refused);
  while (turns.isFree());
  request.emit('data', Buffer.alloc(11));
  for (let n = 0; n < 10; n += 1) await Promise.resolve();
  expect(refused).not.toHaveBeenCalled();
  await read;
  expect(refused).toHaveBeenCalledWith(expect.objectContaining({ code: 'payload_too_large' }));
});

test('a body whose end comes after its time is read by nobody', async () => {
  const request = Object.assign(new PassThrough(), { headers: {}, httpVersionMajor: 1, socket: {} });
  const parse = vi.fn();
  const read = readBody(request as never, 10, performance.now() - 1, parse);
  request.emit('data', Buffer.alloc(5));
  await expect(read).rejects.toMatchObject({ code: 'request_timeout' });
  request.emit('end');
  expect(parse).not.toHaveBeenCalled();
});

test('what a proxy has in flight for others is answered when it resets too much, and then the connection ends', async () => {
  const { port, headers, close } = await doors.gRPC();
  const proxy = await session(port);
  const told = new Promise((resolve) => proxy.once('goaway', resolve));
  const ended = new Promise((resolve) => proxy.once('close', resolve));
  const inFlight = Array.from({ length: 20 }, () => proxy.request(headers));
  const answers = inFlight.map(
    (stream) =>
      new Promise((resolve, reject) => {
        stream.on('error', reject).once('response', (fields) => resolve(fields[':status']));
        stream.resume();
      }),
  );
  await new Promise((resolve) => proxy.ping(resolve));
  while (!proxy.closed) {
    for (let i = 0; i < 20; i += 1) {
      const stream = proxy.request(headers).on('error', () => {});
      stream.close(constants.NGHTTP2_CANCEL);
    }
    await sleep(1);
  }
  for (const stream of inFlight) stream.end();
  expect(new Set(await Promise.all(answers))).toEqual(new Set([200]));
  expect(await told).toBe(constants.NGHTTP2_NO_ERROR);
  await ended;
  await close();
});
