/** What a connection may do to a process, whatever is told over it. */
import { get } from 'node:http';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import * as z from 'zod';
import { type RunningHttp, startHttp } from '../../../shared/doors/http/http.ts';
import type { SocketLimits } from '../../../shared/doors/websocket/limits.ts';
import { callLocal, type Host } from '../../../shared/kit/invoke.ts';
import { operation } from '../../../shared/kit/operation.ts';
import { service } from '../../../shared/kit/service.ts';
import { stream } from '../../../shared/kit/stream.ts';
import { type Take, told } from '../../../shared/kit/told-rows.ts';
import { fakeHost, until } from '../http/harness.ts';
import { hear, socketUrl } from './listener.ts';

const holder = {
  user_id: 'ada',
  session_id: 's',
  jti: 'j',
  generation: 1,
  expires_at: 9e9,
  permissions: [],
  roles: [],
};
const admit = operation({
  name: 'demo.admit',
  summary: 'Lets everybody in',
  access: 'service',
  input: z.strictObject({ ticket: z.string() }),
  output: z.object({}).loose(),
  run: async (_, { ticket }) => {
    asked.push(ticket);
    await letting;
    return holder;
  },
});
/** Tickets that were asked about, and what their answers wait for. */
let asked: string[] = [];
let letting: Promise<void> | undefined;

let now = 1_700_000_000_000;
let door: RunningHttp | undefined;
afterEach(async () => {
  await door?.stop();
  door = undefined;
  asked = [];
  letting = undefined;
});

/** A door in front of rows. `ended` tells how often the rows were left. */
const open = async (rows: (signal: AbortSignal) => AsyncIterable<object>, limits: Partial<SocketLimits> = {}) => {
  const notes = { ended: 0, made: 0 };
  const watch = operation({
    name: 'demo.watch',
    summary: 'Tells',
    socket: { path: '/ws', admits: admit },
    access: 'user',
    input: z.strictObject({ since: z.string().optional() }),
    output: stream(z.object({ id: z.string(), type: z.string(), text: z.string().optional() })),
    run: () => {
      const left = new AbortController();
      const each = async (take: Take<{ id: string; type: string }>): Promise<void> => {
        try {
          for await (const row of rows(left.signal)) {
            if (left.signal.aborted) return;
            notes.made += 1;
            await take(row as { id: string; type: string });
          }
        } finally {
          notes.ended += 1;
        }
      };
      return told<{ id: string; type: string }>({
        each: (taker) =>
          void each((row) => taker.take(row)).then(
            () => taker.over(),
            (thrown) => taker.over({ thrown }),
          ),
        close: () => left.abort(),
      });
    },
  });
  const { host: plain, lines } = fakeHost({ clock: { now: () => now }, realtime: { heartbeat_ms: 50 } as never });
  const host: Host = { ports: plain.ports, call: (...call) => callLocal(host, ...call) };
  const pages = { public_url: 'https://id.example', origins: ['https://app.example'] };
  door = await startHttp(host, [service('demo', [watch, admit])], {
    host: '127.0.0.1',
    port: 0,
    pages,
    sockets: limits,
    limits: { drain_ms: 300 },
  });
  return { url: socketUrl(door.url, { ticket: 't' }), http: door.url, notes, lines };
};

async function* forever(signal: AbortSignal): AsyncGenerator<object> {
  yield { id: '1', type: 'hello' };
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
}

test('whoever gives no sign of life for two beats is gone with 4408, and its rows are left', async () => {
  const { url, notes } = await open(forever);
  const mute = hear(url, { autoPong: false });
  const alive = hear(url);
  await Promise.all([mute.frame('hello'), alive.frame('hello')]);
  // the clock passes two beats, in which one of them answered pings
  await new Promise<void>((resolve) => alive.socket.once('ping', () => resolve()));
  now += 90;
  await new Promise<void>((resolve) => alive.socket.once('ping', () => resolve()));
  now += 90;
  expect((await mute.closed).code).toBe(4408);
  await until(() => notes.ended === 1);
  expect(alive.socket.readyState).toBe(alive.socket.OPEN);
  alive.socket.terminate();
  await until(() => notes.ended === 2);
});

test('rows wait for a reader who does not read, instead of filling the memory', async () => {
  const text = 'x'.repeat(10_000);
  const { url, notes } = await open(async function* () {
    for (let n = 0; n < 100_000; n += 1) yield { id: String(n), type: 'row', text };
  });
  const { socket, frames } = hear(url);
  await until(() => frames.length > 0);
  socket.pause();
  let before = -1;
  await until(async () => {
    const same = notes.made === before;
    before = notes.made;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return same;
  });
  // what fits into the buffers of two sockets, and no more
  expect(notes.made).toBeLessThan(2_000);
  socket.terminate();
  await until(() => notes.ended === 1);
});

test('too many of one address are told to come back, and there is room again when one leaves', async () => {
  const { url } = await open(forever, { of_address: 2 });
  const two = [hear(url), hear(url)];
  for (const { frame } of two) await frame('hello');
  expect((await hear(url).closed).code).toBe(1013);
  two[0]!.socket.terminate();
  await two[0]!.closed;
  await until(async () => {
    const again = hear(url);
    const came = await Promise.race([again.frame('hello').then(() => true), again.closed.then(() => false)]);
    again.socket.terminate();
    return came;
  });
});

test('many who come at once are let in a few at a time, in their order; who left meanwhile has his ticket still', async () => {
  let letIn = (): void => {};
  letting = new Promise((resolve) => {
    letIn = resolve;
  });
  const { http } = await open(forever, { entering: 2 });
  const heard = [];
  for (const ticket of ['a', 'b', 'c', 'd', 'e']) {
    const coming = hear(socketUrl(http, { ticket }));
    heard.push(coming);
    await new Promise((resolve) => coming.socket.once('open', resolve));
  }
  await until(() => asked.length === 2);
  heard[2]!.socket.close();
  await heard[2]!.closed;
  letIn();
  for (const n of [0, 1, 3, 4]) await heard[n]!.frame('hello');
  expect(asked).toEqual(['a', 'b', 'd', 'e']);
});

test('who waited too long to be let in is told to come back, and asks nothing of a store that is slow', async () => {
  let letIn = (): void => {};
  letting = new Promise((resolve) => {
    letIn = resolve;
  });
  const { http } = await open(forever, { entering: 1, waiting_ms: 20_000 });
  const first = hear(socketUrl(http, { ticket: 'a' }));
  await until(() => asked.length === 1);
  const second = hear(socketUrl(http, { ticket: 'b' }));
  await new Promise((resolve) => second.socket.once('open', resolve));
  now += 20_001;
  letIn();
  expect((await second.closed).code).toBe(1013);
  await first.frame('hello');
  expect(asked).toEqual(['a']);
});

test('pages of the public address and of listed origins come in, no others; programs name none', async () => {
  const { url } = await open(forever);
  for (const origin of ['https://id.example', 'https://app.example', undefined]) {
    const heard = hear(url, { origin });
    await heard.frame('hello');
    heard.socket.terminate();
  }
  for (const origin of ['https://app.example.evil', 'http://app.example', 'null', 'http://localhost:3000']) {
    expect([origin, (await hear(url, { origin }).closed).code]).toEqual([origin, 4403]);
  }
});

test('a field that the operation does not know is refused with 1008, and a field said twice', async () => {
  const { url } = await open(forever);
  expect((await hear(`${url}&admin=1`).closed).code).toBe(1008);
  expect((await hear(`${url}&ticket=u`).closed).code).toBe(1008);
});

test('what goes wrong inside is 1011 without a word, and a line of the log', async () => {
  const { url, lines } = await open(async function* () {
    yield { id: '1', type: 'hello' };
    throw new Error('a table is missing');
  });
  expect(await hear(url).closed).toEqual({ code: 1011, reason: '' });
  await until(() => lines.some(({ code }) => code === 'operation.failed'));
});

test('a handshake that is none is answered, and the port lives on', async () => {
  const { http } = await open(forever);
  const answered = (headers: Record<string, string>): Promise<{ status: number; headers: object; body: any }> =>
    new Promise((resolve, reject) => {
      get(`${http}/ws?ticket=t`, { headers }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode!, headers: response.headers, body: JSON.parse(text) });
      }).on('error', reject);
    });
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };
  const key = { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };
  for (const headers of [
    {},
    { 'sec-websocket-key': 'short', 'sec-websocket-version': '13' },
    { ...key, 'sec-websocket-version': '7' },
  ])
    expect(await answered({ ...upgrade, ...headers } as Record<string, string>)).toMatchObject({
      status: 400,
      headers: {
        'content-type': 'application/problem+json',
        'x-request-id': expect.any(String),
        'sec-websocket-version': '13',
      },
      body: { code: 'invalid_request', detail: expect.stringMatching(/^Missing or invalid Sec-WebSocket/) },
    });
  expect(await answered({})).toMatchObject({
    status: 426,
    headers: { upgrade: 'websocket', connection: 'upgrade, close', 'x-request-id': expect.any(String) },
    body: { code: 'upgrade_required' },
  });
  const twice = connect(Number(new URL(http).port), '127.0.0.1');
  twice.write('GET /ws HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  const answer = await new Promise<string>((resolve) => twice.once('data', (data) => resolve(String(data))));
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  twice.destroy();
});
