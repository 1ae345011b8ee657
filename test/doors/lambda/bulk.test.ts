/** Rows that go through an object in S3, where no door can stream: addresses that end, work in pieces, nothing done twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { listAudit } from '../../../functions/auth/list-audit.ts';
import { schema } from '../../../functions/index.ts';
import { assignRole } from '../../../functions/permissions/assign-role.ts';
import { getEffective } from '../../../functions/permissions/get-effective.ts';
import { revokeRole } from '../../../functions/permissions/revoke-role.ts';
import { createUser } from '../../../functions/users/create-user.ts';
import { exportUsers } from '../../../functions/users/export-users.ts';
import { getAccount } from '../../../functions/users/get-account.ts';
import { importUsers } from '../../../functions/users/import-users.ts';
import { raiseGeneration } from '../../../functions/users/raise-generation.ts';
import { updateUserStatus } from '../../../functions/users/update-user-status.ts';
import { devCredentials, seedDevCredentials } from '../../../infra/local/dev-credentials.ts';
import type { Objects } from '../../../shared/aws/objects.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import { readRows } from '../../../shared/doors/binding/ndjson.ts';
import { lambdaAsk } from '../../../shared/doors/lambda/bulk-ask.ts';
import { openBulk } from '../../../shared/doors/lambda/bulk-job.ts';
import { windowOf } from '../../../shared/doors/lambda/bulk-window.ts';
import { lambdaWork } from '../../../shared/doors/lambda/bulk-work.ts';
import { adapter } from '../../../shared/kit/adapter.ts';
import { operation } from '../../../shared/kit/operation.ts';
import { RowFault, stream } from '../../../shared/kit/stream.ts';
import { continueTrace } from '../../../shared/kit/trace.ts';
import type { PortName } from '../../../shared/ports/index.ts';
import { type OpenHost, openHost } from '../../../shared/process/host.ts';
import { lambdaEvent } from '../../e2e/doors/lambda.ts';
import { startS3 } from '../../engines/s3.ts';
import { startSqs } from '../../engines/sqs.ts';
import { awsEnvironment, stubEnvironment } from '../../support/aws.ts';
import { testEnvironment } from '../../support/platform.ts';
import { lambdaContext } from './support.ts';

const BUCKET = 'perfect21-dev-bulk';
const QUEUE = 'UsersBulkQueue';

/** As many rows as an export of a big deployment has, without making accounts. */
const giveMuch = operation({
  name: 'tests.give-much',
  summary: 'Gives much',
  http: { method: 'GET', path: '/much' },
  access: 'users:admin',
  input: z.strictObject({ from: z.coerce.number().default(0) }),
  output: stream(z.object({ n: z.int(), text: z.string() }), { limit: 1_000_000 }),
  elsewhere: { object: (asked, { n }) => ({ ...asked, from: n + 1 }) },
  run: async function* (_, { from }) {
    for (let n = from; n < 7; n++) yield { n, text: 'x'.repeat(900_000) };
  },
});

const judges = { getAccount, getEffective };

let folder: string;
let host: OpenHost;
let token: string;
let sqs: Awaited<ReturnType<typeof startSqs>>;
let s3: Awaited<ReturnType<typeof startS3>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'perfect21-bulk-'));
  host = await openHost(loadConfig(testEnvironment(folder, { LOG_LEVEL: 'silent' })), schema);
  const credentials = devCredentials(folder);
  await seedDevCredentials(host, credentials, ['users', 'permissions']);
  token = credentials.service_token;
  sqs = await startSqs({ [QUEUE]: { Type: 'AWS::SQS::Queue', Properties: {} } });
});
afterAll(async () => {
  await host.close();
  await sqs.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  s3 = await startS3(BUCKET, { told: (body) => sqs.send(QUEUE, body) });
  stubEnvironment({
    ...awsEnvironment({ S3: s3.endpoint, SQS: sqs.endpoint }),
    PERFECT21_BULK_BUCKET: BUCKET,
    PERFECT21_BULK_QUEUE: sqs.url(QUEUE),
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await s3.close();
});

const choose = () =>
  (Object.keys(host.ports) as PortName[])
    .filter((port) => port !== 'log' && port !== 'metrics')
    .map((port) => adapter({ port, open: () => ({ port: host.ports[port] as never }) }));

const ask = async (op: any, input: object = {}, as = token) => {
  const question = { ...op, input: z.looseObject({}), output: z.any() };
  const event = lambdaEvent(question, input, { token: as });
  const { statusCode, headers, body } = (await lambdaAsk(op, choose)(event as never, lambdaContext() as never)) as any;
  return { status: statusCode, headers, ...JSON.parse(body) };
};

/** Brings what waits in the queue to the worker, a message at a time, and says how often that was. */
const work = async (options: { bytes?: number; remaining?: number; ops?: any[] } = {}): Promise<number> => {
  const { bytes, remaining = 0, ops = [exportUsers, importUsers, giveMuch] } = options;
  const handler = lambdaWork(ops, judges, choose, { bytes });
  const context = { ...lambdaContext(), getRemainingTimeInMillis: () => remaining };
  let runs = 0;
  await sqs.drain(QUEUE, async (event) => {
    runs += event.Records.length;
    const answers = await Promise.all(
      event.Records.map((each) => handler({ Records: [each] } as never, context as never)),
    );
    return { batchItemFailures: answers.flatMap(({ batchItemFailures }: any) => batchItemFailures) };
  });
  return runs;
};

const put = ({ url, headers }: any, body: string) => fetch(url, { method: 'PUT', headers, body });
const linesOf = async ({ url }: any): Promise<any[]> =>
  (await (await fetch(url)).text())
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));

const rowsOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) =>
    JSON.stringify({ email: `${prefix}${n}@example.org`, external_id: `${prefix}${n}` }),
  );

test('an import takes its rows at an address, works in pieces, and answers each row in its order', async () => {
  const asked = await ask(importUsers);
  expect(asked).toMatchObject({ status: 202, state: 'waiting', rows: 0, upload: { method: 'PUT' } });
  const rows = rowsOf('piece', 40);
  rows.splice(10, 0, '{"email":', '', 'x'.repeat(20_000));
  expect((await put(asked.upload, `${rows.join('\n')}\n`)).status).toBe(200);
  // one piece a call
  expect(await work({ bytes: 1_000 })).toBeGreaterThan(10);
  const done = await ask(importUsers, { job: asked.job });
  expect(done).toMatchObject({ status: 200, state: 'done', rows: 42 });
  const answers = await linesOf(done.result);
  expect(answers.map(({ row }) => row)).toEqual(Array.from({ length: 42 }, (_, n) => n + 1));
  expect(answers.map(({ status }) => status)).toEqual([
    ...Array(10).fill('created'),
    'failed',
    'failed',
    ...Array(30).fill('created'),
  ]);
  expect(answers[11].code).toBe('payload_too_large');
  expect(s3.state.calls).toContain(`DELETE /${BUCKET}/uploads/${asked.job}`);
});

test('an export is written by a function, and read at an address', async () => {
  await put((await ask(importUsers)).upload, rowsOf('out', 5).join('\n'));
  await work({ remaining: 60_000 });
  const asked = await ask(exportUsers, { status: 'active' });
  expect(asked).toMatchObject({ status: 202, state: 'waiting' });
  expect(asked.upload).toBeUndefined();
  await work({ remaining: 60_000 });
  const { state, rows, result } = await ask(exportUsers, { job: asked.job });
  expect(state).toBe('done');
  const users = await linesOf(result);
  expect(users).toHaveLength(rows);
  expect(users.filter(({ email }) => email.startsWith('out'))).toHaveLength(5);
  expect(JSON.stringify(users)).not.toContain('password');
});

test('what is larger than a part becomes one object of parts, over several calls', { timeout: 60_000 }, async () => {
  const { job } = await ask(giveMuch);
  expect(await work()).toBeGreaterThan(1);
  const { result, rows } = await ask(giveMuch, { job });
  expect(rows).toBe(7);
  expect((await linesOf(result)).map(({ n }) => n)).toEqual(Array.from({ length: 7 }, (_, n) => n));
});

test('an address takes rows once, no others, and not for ever; what is asked for is told to who asked', async () => {
  const { job, upload } = await ask(importUsers);
  expect((await put({ ...upload, url: upload.url.replace(job, job.replace(/^./, 'f')) }, '{}')).status).toBe(403);
  expect((await put({ ...upload, headers: {} }, '{}')).status).toBe(403);
  expect((await put(upload, '')).status).toBe(200);
  expect((await put(upload, '{}')).status).toBe(412);
  s3.state.now = () => Date.now() + 901_000;
  expect((await put(upload, '{}')).status).toBe(403);
  s3.state.now = () => Date.now();
  expect(await ask(exportUsers, { job })).toMatchObject({ status: 404 });
  expect(await ask(importUsers, { job: '0198c7a0-0000-7000-8000-000000000000' })).toMatchObject({ status: 404 });
  expect(await ask(importUsers, { job: 'jobs/x' })).toMatchObject({ status: 400 });
  expect(await ask(importUsers, {}, 'nobody')).toMatchObject({ status: 401 });
  await work({ remaining: 60_000 });
  expect(await ask(importUsers, { job })).toMatchObject({ state: 'done', rows: 0 });
});

test('a call that dies is made again and goes on behind what it noted; a message that comes twice changes nothing', async () => {
  const { job, upload } = await ask(importUsers);
  await put(upload, rowsOf('again', 30).join('\n'));
  const [told] = sqs.waiting(QUEUE);
  const handler = lambdaWork([importUsers], judges, choose, { bytes: 500 });
  const once = (attempt: number) =>
    handler(
      { Records: [{ messageId: 'm', body: told, attributes: { ApproximateReceiveCount: String(attempt) } }] } as never,
      { ...lambdaContext(), getRemainingTimeInMillis: () => 60_000 } as never,
    ) as Promise<any>;
  // the bucket is away after the second piece
  let notes = 0;
  const { push } = s3.state.calls;
  s3.state.calls.push = (call) => {
    if (call === `PUT /${BUCKET}/jobs/${job}` && ++notes === 4) s3.state.down = true;
    return push.call(s3.state.calls, call);
  };
  expect((await once(1)).batchItemFailures).toHaveLength(1);
  s3.state.down = false;
  s3.state.calls.push = push;
  // it did not say that it gave up: somebody looks when its time is over
  expect((await once(2)).batchItemFailures).toEqual([]);
  expect(await ask(importUsers, { job })).toMatchObject({ state: 'running' });
  const clock = vi.spyOn(host.ports.clock, 'now').mockImplementation(() => Date.now() + 120_000);
  await once(3);
  clock.mockRestore();
  const done = await ask(importUsers, { job });
  expect(done).toMatchObject({ state: 'done', rows: 30 });
  const answers = await linesOf(done.result);
  expect(answers.map(({ row }) => row)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
  // rows of the piece that was not noted are known when they come again
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['created', 'exists']));
  expect((await once(4)).batchItemFailures).toEqual([]);
  expect(await linesOf((await ask(importUsers, { job })).result)).toEqual(answers);
  await work({ remaining: 60_000 });
});

test.each([
  ['lost the role', (user_id: string) => [revokeRole, { user_id, role: 'admin' }]],
  ['was suspended', (user_id: string) => [updateUserStatus, { user_id, status: 'suspended' }]],
  ['was signed out everywhere', (user_id: string) => [raiseGeneration, { user_id }]],
] as const)('rows of who %s after he asked are refused, and the log tells', async (_, change) => {
  const call = (op: any, input: object): Promise<any> =>
    host.call(op, input, {
      ...{ request_id: 'test', trace: continueTrace(), client: {}, door: 'local' },
      caller: { kind: 'anonymous' },
    });
  const origin = { ip_address: '', user_agent: '', verified: true };
  const account = { email: `${crypto.randomUUID()}@example.org`, password: 'violet tractors hum quietly', ...origin };
  const { user_id } = await call(createUser, account);
  await call(assignRole, { user_id, role: 'admin' });
  const { access_token } = await host.ports.tokens.sign({
    ...{ user_id, session_id: `s-${user_id}`, generation: 0, ...(await call(getEffective, { user_id })) },
  });
  const [first, late] = [await ask(importUsers, {}, access_token), await ask(importUsers, {}, access_token)];
  await put(first.upload, rowsOf('before', 1).join('\n'));
  await work({ remaining: 60_000 });
  expect(await ask(importUsers, { job: first.job }, access_token)).toMatchObject({ state: 'done', rows: 1 });
  await call(...(change(user_id) as [any, object]));
  expect((await put(late.upload, rowsOf(`late-${user_id}`, 3).join('\n'))).status).toBe(200);
  await work({ remaining: 60_000 });
  expect((await openBulk(process.env)!.read(late.job))?.job).toMatchObject({
    state: 'failed',
    code: 'forbidden',
    rows: 0,
  });
  expect(s3.state.calls).toContain(`DELETE /${BUCKET}/uploads/${late.job}`);
  const { entries } = await call(listAudit, { actor: user_id, action: 'users.import-users' });
  expect(entries[0]).toMatchObject({ outcome: 'refused', reason: 'forbidden' });
  const emails: string[] = [];
  for await (const { email } of await call(exportUsers, {})) emails.push(email);
  expect(emails.some((email) => email.startsWith('before'))).toBe(true);
  expect(emails.filter((email) => email.startsWith('late'))).toEqual([]);
});

test('what was tried often enough is given up, and told', async () => {
  const { job, upload } = await ask(importUsers);
  await put(upload, '{}');
  const broken = {
    ...importUsers,
    run: () => {
      throw new Error('broken');
    },
  };
  const handler = lambdaWork([broken as never], judges, choose);
  const body = JSON.stringify({ job });
  await handler(
    { Records: [{ messageId: 'm', body, attributes: { ApproximateReceiveCount: '9' } }] } as never,
    lambdaContext() as never,
  );
  expect(await ask(importUsers, { job })).toMatchObject({ state: 'failed', code: 'internal' });
  await work({ remaining: 60_000 });
});

test('where no bucket is, it says so', async () => {
  vi.stubEnv('PERFECT21_BULK_BUCKET', '');
  expect(await ask(exportUsers)).toMatchObject({ status: 501, code: 'unimplemented' });
});

test('rows read in windows are those of the whole, wherever it is cut', async () => {
  const limit = 30;
  const line = fc.oneof(
    fc.integer().map(String),
    fc.constantFrom('', '{', '"é"', '{"a":1}'),
    fc.integer({ min: 31, max: 90 }).map((n) => `"${'x'.repeat(n)}"`),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 12 }),
      fc.boolean(),
      fc.integer({ min: 33, max: 80 }),
      async (lines, ends, bytes) => {
        const whole = Buffer.from(lines.join('\n') + (ends ? '\n' : ''));
        const objects = {
          get: async (_: string, { from, length }: { from: number; length: number }) => ({
            body: whole.subarray(from, from + length),
            etag: '',
            size: whole.length,
          }),
        } as unknown as Objects;
        const told = (row: unknown) => (row instanceof RowFault ? row.error.code : row);
        const expected: unknown[] = [];
        for await (const row of readRows(
          (async function* () {
            yield whole;
          })(),
          limit,
        ))
          expected.push(told(row));
        const rows: unknown[] = [];
        let at = { offset: 0, skipping: false };
        for (;;) {
          const window = await windowOf(objects, 'k', at, { bytes, limit });
          rows.push(...window.rows.map(told));
          if (window.ended) break;
          expect(window.offset).toBeGreaterThan(at.offset);
          at = window;
        }
        expect(rows).toEqual(expected);
      },
    ),
  );
});
