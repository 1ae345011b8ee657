import { afterEach, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { serveHttp } from '../../shared/doors/lambda/lambda.ts';
import { operation } from '../../shared/kit/operation.ts';
import { httpEvent, lambdaContext } from '../doors/lambda/support.ts';

// read when the door is loaded
vi.hoisted(() => {
  process.env.POWERTOOLS_TRACE_ENABLED = 'true';
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
});
afterEach(() => void vi.unstubAllEnvs());

const where = operation({
  name: 'tests.where',
  summary: 'Says in which trace it is',
  http: { method: 'POST', path: '/where' },
  access: 'public',
  input: z.object({}),
  output: z.object({ trace_id: z.string(), parent_id: z.string().optional(), sampled: z.boolean() }),
  run: (_, __, { trace }) => trace,
});
const ports = {
  clock: { now: () => 0 },
  ids: { uuid: () => 'id' },
  log: { error: () => {} },
  metrics: { count: () => {}, observe: () => {} },
} as any;
const call = async (headers: Record<string, string>) => {
  const event = httpEvent({ path: '/where', headers, body: '{}' });
  const open = async () => ({ ports, call: async () => undefined });
  const { body } = await serveHttp(open, where, event, lambdaContext());
  return JSON.parse(body!);
};

describe('a function that X-Ray traces', () => {
  const XRAY = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';

  test('continues X-Ray’s trace where its caller brings none', async () => {
    vi.stubEnv('_X_AMZN_TRACE_ID', XRAY);
    expect(await call({})).toEqual({
      trace_id: '5759e988bd862e3fe1be46a994272793',
      parent_id: '53995c3f42cd8ad8',
      sampled: true,
    });
  });

  test('continues the trace of its caller first', async () => {
    vi.stubEnv('_X_AMZN_TRACE_ID', XRAY);
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    expect(await call({ traceparent })).toMatchObject({ trace_id: '4bf92f3577b34da6a3ce929d0e0e4736' });
  });

  test('begins a trace where neither is there', async () => {
    vi.stubEnv('_X_AMZN_TRACE_ID', '');
    expect(await call({})).toMatchObject({ trace_id: expect.stringMatching(/^[0-9a-f]{32}$/), sampled: true });
  });
});
