/** Import and export as streams, through every door that carries them, as they are cut, crossed and held up. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { login } from '../../../functions/auth/login.ts';
import { exportUsers } from '../../../functions/users/export-users.ts';
import { importUsers } from '../../../functions/users/import-users.ts';
import { credentials } from '../../../functions/users/records.ts';
import { http1Streams, http2Streams, protoStreams, type StreamDoor } from '../../doors/stream-doors.ts';
import { definitionOf } from '../../e2e/doors/grpc.ts';
import { localDoor } from '../../e2e/doors/local.ts';
import { worldOf } from '../../e2e/matrix.ts';
import { expectOk, type World } from '../../e2e/world.ts';
import { type TestPlatform, testPlatform } from '../../support/platform.ts';

const NAMES = ['HTTP/1.1', 'HTTP/2', 'gRPC'] as const;
/** Of jBCrypt's vectors. */
const BCRYPT = '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe';

let platform: TestPlatform;
let world: World;
let token: string;
const doors = new Map<string, StreamDoor>();
beforeAll(async () => {
  platform = await testPlatform({});
  world = worldOf(platform, localDoor(platform.host));
  token = platform.credentials.service_token;
  const proto = protoStreams(platform.grpc.port, token, definitionOf);
  for (const door of [http1Streams(platform.http.url), http2Streams(platform.http.url), proto])
    doors.set(door.name, door);
}, 60_000);
afterAll(async () => {
  for (const door of doors.values()) door.close();
  await platform?.close();
});

let count = 0;
/** People that nobody else has. */
const people = (size: number) => {
  const name = `b${++count}`;
  return Array.from({ length: size }, (_, n) => ({ external_id: `${name}-${n}`, email: `${name}.${n}@example.org` }));
};
const all = async (rows: AsyncIterable<any>): Promise<any[]> => {
  const found = [];
  for await (const row of rows) found.push(row);
  return found;
};
/** The number comes as a text where it may have 64 bits. */
const resultOf = ({ row, status, result = status, code }: any) => [Number(row), result, code || undefined];
const bring = (door: StreamDoor, rows: Iterable<unknown> | AsyncIterable<unknown>) =>
  door.call(importUsers, { rows, token });
const exported = async (door: StreamDoor): Promise<string[]> =>
  (await all(door.call(exportUsers, { token }).rows)).map((row) => (row.user ?? row).email);

describe.each(NAMES)('through %s', (name) => {
  const door = () => doors.get(name)!;

  test('each row is answered in order, a broken one as such, and goes out again', async () => {
    const rows: any[] = people(300);
    rows[10] = { email: 'none' };
    rows[20] = { ...rows[21], external_id: `twice ${name}` };
    rows[299] = { ...rows[0] };
    const answers = (await all(bring(door(), rows).rows)).map(resultOf);
    const wanted = rows.map((_, n) => [n + 1, 'created', undefined]);
    wanted[10] = [11, 'failed', 'invalid_request' as never];
    // of two rows with one address the first has it
    wanted[21] = [22, 'failed', 'already_exists' as never];
    wanted[299] = [300, 'exists', undefined];
    expect(answers).toEqual(wanted);
    const there = new Set(await exported(door()));
    expect(rows.filter(({ email }) => email !== 'none' && !there.has(email))).toEqual([]);
  });

  test('who waits for the answer to a row before the next one gets it', async () => {
    const [first, second] = people(2);
    let go = (): void => {};
    const waits = new Promise<void>((resolve) => {
      go = resolve;
    });
    const call = bring(
      door(),
      (async function* () {
        yield first;
        await waits;
        yield second;
      })(),
    );
    expect(resultOf((await call.rows.next()).value)).toEqual([1, 'created', undefined]);
    go();
    expect((await all(call.rows)).map(resultOf)).toEqual([[2, 'created', undefined]]);
  });

  test('after a cut all rows are whole or not there, and the same rows again make the rest', async () => {
    const rows = people(500);
    const call = bring(door(), rows);
    for (let n = 0; n < 100; n++) await call.rows.next();
    call.leave();
    await all(call.rows).catch(() => {});
    const answers = (await all(bring(door(), rows).rows)).map(resultOf);
    expect(answers.slice(0, 100).map(([, result]) => result)).toEqual(Array(100).fill('exists'));
    expect(answers.every(([, result]) => result === 'exists' || result === 'created')).toBe(true);
    const there = (await exported(door())).filter((email) => email.startsWith(`b${count}.`));
    expect(new Set(there).size).toBe(500);
    expect(there).toHaveLength(500);
  });
});

test('of several imports of the same rows at once, each row is made once, and told truly', async () => {
  const rows = people(200);
  const answers = await Promise.all(
    [...doors.values()].map(async (door) => (await all(bring(door, rows).rows)).map(resultOf)),
  );
  for (const [n] of rows.entries()) {
    const results = answers.map((each) => each[n]![1]).sort();
    expect([n, results]).toEqual([n, ['created', 'exists', 'exists']]);
  }
});

test('what a slow reader does not take is not read from the store', async () => {
  const { store } = platform.host.ports;
  const { query } = store;
  let pages = 0;
  store.query = (...asked) => {
    pages += 1;
    return query(...asked);
  };
  try {
    await all(bring(doors.get('HTTP/1.1')!, people(12_000)).rows);
    pages = 0;
    const slow = doors.get('HTTP/2')!.call(exportUsers, { token });
    await slow.rows.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(pages).toBeLessThan(15);
    slow.leave();
  } finally {
    store.query = query;
  }
}, 60_000);

test('a hash of another system is replaced by ours at the first login, and serves once more by ours', async () => {
  const [person] = people(1);
  const [made] = await all(bring(doors.get('HTTP/1.1')!, [{ ...person, password_hash: BCRYPT }]).rows);
  const hashed = async () => (await platform.host.ports.store.get(credentials, made.user_id))!.value.password_hash;
  const enter = (password: string) => world.call(login, { identifier: person!.email, password });
  expect((await enter('b')).code).toBe('invalid_credentials');
  expect(await hashed()).toBe(BCRYPT);
  await expectOk(enter('a'));
  expect(await hashed()).toMatch(/^\$argon2id\$/);
  await expectOk(enter('a'));
  expect((await enter('b')).code).toBe('invalid_credentials');
});

test('a line that can not be read is answered with what is wrong with it', async () => {
  const lines = [
    '{',
    '["a"]',
    `{"email":"${'x'.repeat(17_000)}"}`,
    '{"__proto__":{}}',
    Buffer.from([0x22, 0xff, 0x22]),
  ];
  const answer = await fetch(`${platform.http.url}/api/v1/users/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
    body: Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')])),
  });
  const told = (await answer.text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(
    told.map(({ row, code, errors }) => [row, code, ...errors.map(({ message }: { message: string }) => message)]),
  ).toEqual([
    [1, 'invalid_request', 'The row is not valid JSON'],
    [2, 'invalid_request', 'Has to be an object'],
    [3, 'payload_too_large', 'The row has more than 16384 bytes'],
    [4, 'invalid_request', 'The row has a field that is not allowed'],
    [5, 'invalid_request', 'The row is not UTF-8'],
  ]);
});
