import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { opened } from '../../../shared/doors/lambda/container.ts';
import { lambda } from '../../../shared/doors/lambda/lambda.ts';
import { adapter } from '../../../shared/kit/adapter.ts';
import { operation } from '../../../shared/kit/operation.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import { randomIds } from '../../../shared/system/ids.ts';
import { httpEvent, lambdaContext } from './support.ts';

const sign = operation({
  name: 'tests.sign',
  summary: 'Needs a port that has to be opened',
  http: { method: 'POST', path: '/sign' },
  access: 'public',
  input: z.strictObject({}),
  output: z.object({ key: z.string() }),
  needs: ['secrets'],
  run: ({ secrets }) => ({ key: Buffer.from(secrets.key('cursor')).toString() }),
});

/** A port that can't be opened as often as said. */
const failing = (times: number) => {
  const tried = { count: 0 };
  const secrets = adapter({
    port: 'secrets',
    open: () => {
      tried.count += 1;
      if (tried.count <= times) throw new Error('the vault is away');
      return { port: { key: () => Buffer.from('opened'), keys: () => [] } };
    },
  });
  return { tried, choose: () => [systemClock, randomIds, secrets] };
};
type Handler = ReturnType<typeof lambda>;
const call = (handler: Handler) =>
  handler(httpEvent({ path: '/sign', body: '{}' }), lambdaContext()) as Promise<APIGatewayProxyStructuredResultV2>;

describe('the start of a container', () => {
  beforeAll(() => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    vi.stubEnv('AWS_LAMBDA_RUNTIME_API', '127.0.0.1:9001');
  });

  afterAll(() => void vi.unstubAllEnvs());

  test('opens the ports before the first event', async () => {
    const { tried, choose } = failing(0);
    const handler = await opened(lambda(sign, choose));
    expect(tried.count).toBe(1);
    expect(await call(handler)).toMatchObject({ statusCode: 200, body: '{"key":"opened"}' });
    expect(tried.count).toBe(1);
  });

  test('tries a port that could not be opened again at the next event, and answers 503 as a problem until then', async () => {
    const { tried, choose } = failing(2);
    const handler = await opened(lambda(sign, choose));
    expect(tried.count).toBe(1);
    const refused = await call(handler);
    expect(refused).toMatchObject({ statusCode: 503, headers: { 'content-type': 'application/problem+json' } });
    expect(refused.headers).toMatchObject({ 'retry-after': '1' });
    expect(JSON.parse(refused.body!)).toMatchObject({ code: 'unavailable', status: 503 });
    expect(refused.body).not.toContain('vault');
    expect(await call(handler)).toMatchObject({ statusCode: 200 });
    expect(tried.count).toBe(3);
  });
});
