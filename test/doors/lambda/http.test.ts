import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { lambda } from '../../../shared/doors/lambda/lambda.ts';
import type { Context } from '../../../shared/kit/context.ts';
import { AppError } from '../../../shared/kit/errors.ts';
import { operation } from '../../../shared/kit/operation.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import { randomIds } from '../../../shared/system/ids.ts';
import { httpEvent, lambdaContext } from './support.ts';

let seen: { input: unknown; context: Context } | undefined;
const remember = operation({
  name: 'tests.remember',
  summary: 'Remembers',
  http: { method: 'POST', path: '/things/{thing_id}', limit: 100 },
  access: 'public',
  input: z.strictObject({ thing_id: z.string(), word: z.string().optional() }),
  output: z.object({ thing_id: z.string() }),
  run: (_, input, context) => {
    seen = { input, context };
    return { thing_id: input.thing_id };
  },
});
const find = operation({
  name: 'tests.find',
  summary: 'Finds',
  http: { method: 'GET', path: '/things' },
  access: 'public',
  input: z.strictObject({ word: z.string().optional() }),
  output: z.object({ word: z.string() }),
  run: (_, { word = '' }) => ({ word }),
});
const fail = operation({
  name: 'tests.fail',
  summary: 'Fails',
  http: { method: 'POST', path: '/fail', status: 204 },
  access: 'public',
  input: z.strictObject({}),
  output: z.object({}),
  run: () => {
    throw new AppError('unavailable', { retry_after: 3 });
  },
});

const choose = () => [systemClock, randomIds];
const handlers = { remember: lambda(remember, choose), find: lambda(find, choose), fail: lambda(fail, choose) };
const send = (name: keyof typeof handlers, change: Parameters<typeof httpEvent>[0], remaining?: number) =>
  handlers[name](httpEvent(change), lambdaContext(remaining)) as Promise<APIGatewayProxyStructuredResultV2>;
const problem = async (name: keyof typeof handlers, change: Parameters<typeof httpEvent>[0]) => {
  const { statusCode, headers, body } = await send(name, change);
  expect(headers!['content-type']).toBe('application/problem+json');
  return [statusCode, JSON.parse(body!).code];
};

describe('a function behind an HTTP API', () => {
  beforeAll(() => void vi.spyOn(console, 'error'));

  test('takes path parameters and JSON, answers JSON with request id and security headers', async () => {
    const body = JSON.stringify({ word: 'grüße' });
    const answer = await send('remember', { params: { thing_id: 'a b' }, body, headers: { 'X-Request-Id': 'mine-1' } });
    expect(answer).toMatchObject({ statusCode: 200, body: '{"thing_id":"a b"}', isBase64Encoded: false });
    expect(answer.headers).toMatchObject({ 'x-request-id': 'mine-1', 'x-content-type-options': 'nosniff' });
    expect(seen?.input).toEqual({ thing_id: 'a b', word: 'grüße' });
    expect(seen?.context.client.ip).toBe('203.0.113.7');
    expect(seen?.context.door).toBe('lambda');
  });

  test('reads bodies that API Gateway encoded as base64', async () => {
    const body = Buffer.from(JSON.stringify({ word: 'ü' })).toString('base64');
    await send('remember', { params: { thing_id: '1' }, body, base64: true });
    expect(seen?.input).toEqual({ thing_id: '1', word: 'ü' });
  });

  test('hands on how long it may take as the deadline', async () => {
    const before = Date.now();
    await send('remember', { params: { thing_id: '1' }, body: '{}' }, 5_000);
    expect(seen!.context.deadline! - before).toBeGreaterThan(4_000);
    expect(seen!.context.deadline! - before).toBeLessThan(5_000);
  });

  test('decodes the query as it was sent and refuses a name given twice', async () => {
    const answer = await send('find', { method: 'GET', path: '/things', query: 'word=a%2Cb%20c+d' });
    expect(JSON.parse(answer.body!)).toEqual({ word: 'a,b c d' });
    expect(await problem('find', { method: 'GET', query: 'word=a&word=b' })).toEqual([400, 'invalid_request']);
  });

  test('refuses what is no JSON, no UTF-8, too large, or of another type', async () => {
    const params = { thing_id: '1' };
    expect(await problem('remember', { params, body: '{' })).toEqual([400, 'invalid_request']);
    expect(await problem('remember', { params, body: 'wyg=', base64: true })).toEqual([400, 'invalid_request']);
    expect(await problem('remember', { params, body: `{"word":"${'x'.repeat(100)}"}` })).toEqual([
      413,
      'payload_too_large',
    ]);
    const text = { 'content-type': 'text/plain' };
    expect(await problem('remember', { params, body: '{}', headers: text })).toEqual([415, 'unsupported_media_type']);
    expect(await problem('remember', { params, body: '{"__proto__":{}}' })).toEqual([400, 'invalid_request']);
    expect(await problem('remember', { params, body: '{"more":1}' })).toEqual([400, 'invalid_request']);
  });

  test('renders errors as problems with their headers', async () => {
    const answer = await send('fail', { path: '/fail' });
    expect(answer.statusCode).toBe(503);
    expect(answer.headers).toMatchObject({ 'retry-after': '3', 'cache-control': 'no-store' });
  });

  test('says clearly that it does not know an event of another kind', async () => {
    await expect(handlers.find({ Records: [] }, lambdaContext())).rejects.toThrow(/HTTP API, payload format 2.0/);
    await expect(handlers.find({ version: '1.0' }, lambdaContext())).rejects.toThrow(/tests.find takes events/);
  });
});
