import { constants } from 'node:http2';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { doors as readmeDoors } from '../../infra/generate/operations.ts';
import { answeredByFunctions } from '../../infra/generate/platform.ts';
import { openApi } from '../../shared/documents/openapi/document.ts';
import { type GrpcDoor, startGrpc } from '../../shared/doors/grpc/grpc.ts';
import { type RunningHttp, startHttp } from '../../shared/doors/http/http.ts';
import { lambda } from '../../shared/doors/lambda/lambda.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { DATA, END_HEADERS, frame, HEADERS, RST_STREAM, SETTINGS, uint32 } from '../bench/load/h2-frames.ts';
import { flow, Notes } from './flow.ts';
import { fakeHost, until, Wire } from './http/harness.ts';
import {
  collect,
  FLOW_METHODS,
  http1Streams,
  http2Streams,
  internalStreams,
  localStreams,
  protoStreams,
  type StreamDoor,
} from './stream-doors.ts';

const TOKEN = 'p21s_test_secret';
const notes = new Notes();
const ops = flow(notes);
const { host, lines } = fakeHost({
  serviceTokens: {
    verify: async (token: string) => (token === TOKEN ? { name: 'test', permissions: ['*:*:*'] } : undefined),
  } as never,
});
let http: RunningHttp;
let grpc: GrpcDoor;
const doors = new Map<string, StreamDoor>();
const NAMES = ['in process', 'HTTP/1.1', 'HTTP/2', 'gRPC', 'internal gRPC'] as const;

beforeAll(async () => {
  http = await startHttp(host, [ops.service], { host: '127.0.0.1', port: 0, limits: { drain_ms: 500 } });
  grpc = await startGrpc(host, [ops.service], { port: 0, methods: FLOW_METHODS });
  const all = [
    localStreams(host),
    http1Streams(http.url),
    http2Streams(http.url),
    protoStreams(grpc.port, TOKEN),
    internalStreams(grpc.port, TOKEN),
  ];
  for (const door of all) doors.set(door.name, door);
});
afterAll(async () => {
  for (const door of doors.values()) door.close();
  await Promise.all([http.stop(), grpc.stop()]);
});
beforeEach(() => {
  Object.assign(notes, new Notes());
  lines.length = 0;
});

const ended = (what: string) => until(() => notes.ended.includes(what));
const numbers = (count: number) => Array.from({ length: count }, (_, at) => ({ n: at + 1 }));
/** Rows that go on until somebody stops asking. */
async function* endless(size = 0) {
  for (let n = 1; ; n++) {
    yield { n, ...(size && { text: 'x'.repeat(size) }) };
    if (n % 10 === 0) await new Promise(setImmediate);
  }
}

describe.each(NAMES)('rows %s', (name) => {
  const call = (op: Operation<any, any>, given: Parameters<StreamDoor['call']>[1]) => doors.get(name)!.call(op, given);
  const remote = name !== 'in process';

  test('come out in order, each as declared', async () => {
    const { rows, error } = await collect(call(ops.count, { input: { count: 1_000 } }));
    expect([rows, error]).toEqual([numbers(1_000), undefined]);
    expect(notes.ended).toEqual(['flow.count whole']);
  });

  test('may be none at all', async () => {
    expect(await collect(call(ops.count, { input: { count: 0 } }))).toEqual({ rows: [] });
    const { rows } = await collect(call(ops.add, { rows: [] }));
    expect(rows).toEqual([{ sum: 0 }]);
  });

  test('go in and are answered as a whole', async () => {
    expect((await collect(call(ops.add, { rows: numbers(1_000) }))).rows).toEqual([{ sum: 500_500 }]);
  });

  test('go both ways, each answered before the next is sent', async () => {
    let answered = 0;
    const asking = async function* () {
      for (let n = 1; n <= 20; n++) {
        yield { n };
        await until(() => answered === n);
      }
    };
    const got: unknown[] = [];
    for await (const row of call(ops.double, { rows: asking() }).rows) {
      got.push(row);
      answered += 1;
    }
    expect(got).toEqual(numbers(20).map(({ n }) => ({ n: n * 2 })));
  });

  test('that are not valid end the stream with an error that names their number', async () => {
    const { rows, error } = await collect(
      call(ops.double, { rows: [{ n: 1 }, { n: 2 }, { n: 1.5, text: 'a' }, { n: 4 }] }),
    );
    // a message of proto/ has no fraction to send
    if (name === 'gRPC') return expect(rows).toHaveLength(4);
    expect(rows).toEqual([{ n: 2 }, { n: 4 }]);
    expect(error).toMatchObject({ code: 'invalid_request', errors: [{ path: '3.n' }] });
    expect(error!.detail).toMatch(/^Row 3: /);
    await ended('flow.double invalid_request');
  });

  test('that are too long are refused, with their number', async () => {
    const { error } = await collect(call(ops.add, { rows: [{ n: 1 }, { n: 2, text: 'x'.repeat(200) }] }));
    if (!remote) return expect(error).toBeUndefined();
    expect(error).toMatchObject({ code: 'payload_too_large', detail: 'Row 2: The row has more than 100 bytes' });
    expect(notes.taken).toBe(1);
  });

  test('that are broken cost themselves only, where the operation takes it so', async () => {
    const broken = name === 'gRPC' || name === 'internal gRPC' ? Buffer.from('0a') : remote ? '{"n":\n' : { no: 1 };
    const given = [{ n: 1 }, broken, { n: 3 }, { n: 4, text: 'x'.repeat(200) }, { n: 5 }];
    // parameters stand in path and query, and have no place in proto/
    const input = name === 'gRPC' ? undefined : { into: 'here' };
    const into = input ? 'here' : 'none';
    const { rows } = await collect(call(ops.load, { rows: given, input }));
    expect(rows).toEqual([
      { row: 1, result: `${into} 1` },
      { row: 2, result: 'invalid_request' },
      { row: 3, result: `${into} 3` },
      { row: 4, result: remote ? 'payload_too_large' : `${into} 4` },
      { row: 5, result: `${into} 5` },
    ]);
  });

  test('that fail after some came end with what went wrong, and can not be taken for whole', async () => {
    const { rows, error } = await collect(call(ops.count, { input: { count: 10, fail_at: 4 } }));
    expect(rows).toEqual(numbers(3));
    expect(error).toMatchObject({ code: 'conflict', detail: 'Enough' });
  });

  test('that fail before the first are an error like any other', async () => {
    const { rows, error } = await collect(call(ops.count, { input: { count: 10, fail_at: 1 } }));
    expect([rows, error!.code]).toEqual([[], 'conflict']);
  });

  test('that break their own schema, or an error that is not declared, are our fault', async () => {
    for (const input of [
      { count: 10, fail_at: 3, wrong: true },
      { count: 10, bad_at: 3 },
    ]) {
      const { error } = await collect(call(ops.count, { input }));
      expect(error!.code).toBe('internal');
      expect(JSON.stringify(error)).not.toContain('secret');
      if (remote)
        expect(lines).toContainEqual(expect.objectContaining({ code: 'operation.failed', operation: 'flow.count' }));
    }
  });

  test('stop being made when the caller leaves, and the operation cleans up', async () => {
    const running = call(ops.count, { input: { count: 1_000_000_000, size: 1_000 } });
    await running.rows.next();
    running.leave();
    await ended('flow.count left');
    if (remote) expect(notes.aborted).toEqual(['flow.count']);
  });

  test('that nobody reads are not made', async () => {
    const running = call(ops.count, { input: { count: 100_000, size: 10_000 } });
    await running.rows.next();
    let before = -1;
    // what is on its way fills buffers and then stands still
    await until(async () => {
      const still = notes.made === before;
      before = notes.made;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return still && notes.made === before;
    });
    expect(notes.made).toBeLessThan(2_000);
    running.leave();
    await ended('flow.count left');
  });

  test('that nobody takes are not read', async () => {
    let sent = 0;
    const sending = async function* () {
      for await (const row of endless(10_000)) {
        sent += 1;
        yield row;
      }
    };
    const running = call(ops.double, { rows: sending() });
    await running.rows.next();
    let before = -1;
    await until(async () => {
      const still = sent === before;
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return still && sent === before;
    });
    expect(notes.taken).toBeLessThan(2_000);
    running.leave();
    await until(() => notes.ended.length === 1);
  });

  test('that stop in the middle end the operation with an error', async () => {
    const asking = async function* () {
      yield { n: 1 };
      await new Promise(() => {});
    };
    const running = call(ops.double, { rows: asking() });
    expect((await running.rows.next()).value).toEqual({ n: 2 });
    if (!remote) return;
    running.leave();
    await ended('flow.double cancelled');
  });

  test('are for whom the operation is for, which is judged before the first', async () => {
    if (name === 'gRPC') return;
    const { error } = await collect(call(ops.secret, { rows: endless(), token: undefined }));
    expect(error!.code).toBe(name === 'internal gRPC' ? 'internal' : 'unauthenticated');
    expect(notes.taken).toBe(0);
    const running = call(ops.secret, { rows: numbers(2), token: TOKEN });
    expect((await collect(running)).rows).toEqual(numbers(2));
  });
});

describe('over HTTP', () => {
  const bodyOf = (parts: (string | Buffer)[]) =>
    new ReadableStream({
      async start(controller) {
        for (const part of parts) controller.enqueue(typeof part === 'string' ? new TextEncoder().encode(part) : part);
        controller.close();
      },
    });
  const post = (path: string, body: ReadableStream | string, headers: Record<string, string> = {}) =>
    fetch(`${http.url}${path}`, {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/x-ndjson', ...headers },
    } as RequestInit);

  test('rows may be cut anywhere, and the last line may lack its end', async () => {
    const answer = await post(
      '/double',
      bodyOf(['{"n":', '1,"text":"', Buffer.from([0xc3]), Buffer.from([0xa9]), '"}\r', '\n\n{"n":2}']),
    );
    expect([answer.status, await answer.text()]).toEqual([200, '{"n":2,"text":"é"}\n{"n":4}\n']);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/x-ndjson',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.any(String),
    });
  });

  test('what is no NDJSON, or has a query that is not declared, is refused before anything runs', async () => {
    const cases: [path: string, headers: Record<string, string>, status: number][] = [
      ['/add', { 'content-type': 'application/json' }, 415],
      ['/add', { 'content-type': 'text/plain' }, 415],
      ['/add', { 'content-encoding': 'gzip' }, 415],
      ['/import/a?dry=maybe', {}, 400],
      ['/import/a?more=1', {}, 400],
      ['/import/a?into=b', {}, 400],
      ['/import/%00', {}, 400],
    ];
    for (const [path, headers, status] of cases) {
      const answer = await post(path, '{"n":1}\n', headers);
      expect([path, headers, answer.status]).toEqual([path, headers, status]);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    }
    expect(notes.taken).toBe(0);
  });

  test('an answer that breaks off ends with the problem as its last line, and is not whole', async () => {
    const wire = new Wire(http.port);
    const heard = await wire.exchange('GET /count?count=5&fail_at=3 HTTP/1.1\r\nhost: a\r\n\r\n');
    const body = heard.slice(heard.indexOf('\r\n\r\n') + 4);
    expect(heard).toMatch(/^transfer-encoding: chunked\r$/im);
    const lines = body.split('\n').filter((line) => line.startsWith('{'));
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ problem: { code: 'conflict', status: 409, detail: 'Enough' } });
    // the chunk that would say that all was sent
    expect(body).not.toMatch(/\r\n0\r\n/);
  });

  test('a stream is counted and logged by how it ended, and its connection serves on when it was whole', async () => {
    const wire = new Wire(http.port);
    const ask = (query: string) => wire.send(`GET /count?${query} HTTP/1.1\r\nhost: a\r\n\r\n`);
    await ask('count=2').hear('\r\n0\r\n');
    await ask('count=5&fail_at=3').closed;
    const statuses = () => lines.filter(({ code }) => code === 'http.request').map(({ status }) => status);
    await until(() => statuses().length === 2);
    expect(statuses()).toEqual([200, 409]);
  });

  test('HEAD is told the head and nothing is made', async () => {
    const answer = await fetch(`${http.url}/count?count=5`, { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    expect(notes.made).toBe(0);
  });

  test('a request that is reset in the middle does not count as whole, whatever the reset says', async () => {
    const literal = (name: string, value: string) =>
      Buffer.concat([
        Buffer.from([0, name.length]),
        Buffer.from(name),
        Buffer.from([value.length]),
        Buffer.from(value),
      ]);
    const head = Buffer.concat([
      Buffer.from([0x83, 0x86]),
      literal(':path', '/add'),
      literal(':authority', 'a'),
      literal('content-type', 'application/x-ndjson'),
    ]);
    for (const code of [constants.NGHTTP2_NO_ERROR, constants.NGHTTP2_CANCEL]) {
      const wire = new Wire(http.port)
        .send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
        .send(frame(SETTINGS, 0, 0, Buffer.alloc(0)))
        .send(frame(HEADERS, END_HEADERS, 1, head))
        .send(frame(DATA, 0, 1, Buffer.from('{"n":1}\n')));
      await until(() => notes.taken > 0);
      wire.send(frame(RST_STREAM, 0, 1, uint32(code)));
      await until(() => notes.ended.length > 0);
      expect([code, notes.ended]).toEqual([code, ['flow.add cancelled']]);
      wire.socket.destroy();
      Object.assign(notes, new Notes());
    }
    const wire = new Wire(http.port).send(
      'POST /add HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{"n":1}\n\r\n',
    );
    await until(() => notes.taken > 0);
    wire.socket.destroy();
    await ended('flow.add cancelled');
  });
});

describe('a stream in which nothing moves', () => {
  const slow = flow(notes, 400);
  let short: RunningHttp;
  beforeAll(async () => {
    short = await startHttp(host, [slow.service], { host: '127.0.0.1', port: 0, limits: { drain_ms: 100 } });
  });
  afterAll(() => short.stop());

  test('is over after its idle time: for rows that do not come, for a quiet operation, and for who does not read', async () => {
    const waiting = http1Streams(short.url).call(slow.add, {
      rows: (async function* () {
        yield { n: 1 };
        await new Promise(() => {});
      })(),
    });
    expect((await collect(waiting)).error).toMatchObject({ code: 'request_timeout' });
    await ended('flow.add request_timeout');
    waiting.leave();
    const quiet = await collect(http1Streams(short.url).call(slow.watch, {}));
    expect(quiet.error).toMatchObject({ code: 'deadline_exceeded' });
    await ended('flow.watch deadline_exceeded');
    const unread = http1Streams(short.url).call(slow.count, { input: { count: 1_000_000, size: 10_000 } });
    await unread.rows.next();
    await ended('flow.count left');
    unread.leave();
  });

  test('goes on as long as rows move, however long that is', async () => {
    const rows = async function* () {
      for (let n = 1; n <= 8; n++) {
        yield { n };
        await new Promise((resolve) => setTimeout(resolve, 80));
      }
    };
    expect((await collect(http1Streams(short.url).call(slow.add, { rows: rows() }))).rows).toEqual([{ sum: 36 }]);
  });
});

test('a caller is let in though there is no row for him yet', async () => {
  const answer = await fetch(`${http.url}/watch`);
  expect(answer.status).toBe(200);
  notes.tell();
  const reader = answer.body!.getReader();
  expect(Buffer.from((await reader.read()).value!).toString()).toBe('{"n":1}\n');
  await reader.cancel();
  await ended('flow.watch cancelled');
});

describe('where streams can not be carried', () => {
  test('an operation has to say what stands in, gets no function, and the documents say so', () => {
    const { elsewhere: _, ...silent } = ops.count;
    expect(() => answeredByFunctions([silent])).toThrow(/flow.count streams, which API Gateway can't: say `elsewhere`/);
    expect(answeredByFunctions(ops.service.operations)).toEqual([]);
    expect(() => lambda(ops.count, () => [])).toThrow(/flow.count streams, which API Gateway can't: an object in S3/);
    expect(readmeDoors(ops.count)).toContain('behind API Gateway: an object in S3');
    const { paths } = JSON.parse(JSON.stringify(openApi([ops.service], { version: '1' })));
    const { post } = paths['/import/{into}'];
    expect(Object.keys(post.requestBody.content)).toEqual(['application/x-ndjson']);
    expect(Object.keys(post.responses[200].content)).toEqual(['application/x-ndjson']);
    expect(post.parameters.map((each: any) => [each.name, each.in])).toEqual([
      ['into', 'path'],
      ['dry', 'query'],
    ]);
    expect([post['x-streams'].elsewhere, post.description]).toEqual([
      'an object in S3',
      expect.stringContaining('stands in'),
    ]);
  });
});
