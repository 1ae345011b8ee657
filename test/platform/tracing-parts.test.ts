import { ROOT_CONTEXT } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { getAccount } from '../../functions/users/get-account.ts';
import { remoteCaller } from '../../shared/calls/remote.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { StartError } from '../../shared/config/start-error.ts';
import { invoke } from '../../shared/kit/invoke.ts';
import { operation } from '../../shared/kit/operation.ts';
import { continueTrace, readTraceparent, traceparent } from '../../shared/kit/trace.ts';
import { entryOf } from '../../shared/messaging/eventbridge/entry.ts';
import type { Span } from '../../shared/ports/tracer.ts';
import { createLog } from '../../shared/system/log.ts';
import { cellsOf, createMetrics } from '../../shared/system/metrics.ts';
import { openTracer } from '../../shared/tracing/otlp.ts';
import { chosenBy } from '../../shared/tracing/otlp-ratio.ts';
import type { RecordedSpan } from '../../shared/tracing/otlp-span.ts';
import { fromXray, toXray } from '../../shared/tracing/xray.ts';
import { type Collector, startCollector } from '../engines/otlp.ts';
import { type TestPlatform, testPlatform } from '../support/platform.ts';

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((text) => !/^0+$/.test(text));
const parents = fc.tuple(hex(32), hex(16), fc.boolean()).map(([t, s, on]) => `00-${t}-${s}-${on ? '01' : '00'}`);

describe('traceparent and X-Ray’s header', () => {
  test('say the same: what one carries comes back from the other', () => {
    fc.assert(
      fc.property(parents, (parent) => {
        expect(fromXray(toXray(parent))).toBe(parent);
      }),
    );
  });

  test('are nothing where they are malformed', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(fromXray(text)).toBeUndefined();
        if (!readTraceparent(text)) expect(toXray(text)).toBeUndefined();
      }),
    );
    expect(fromXray('Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1')).toBeUndefined();
  });

  test('are read as AWS writes them', () => {
    const header = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:0';
    expect(fromXray(header)).toBe('00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01');
  });

  test('go with an event to EventBridge, so that X-Ray joins what it starts', () => {
    const trace = continueTrace('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
    const envelope = {
      message_id: 'm',
      message_type: 'user.registered',
      timestamp: '2026-05-09T12:00:00.000Z',
      source_service: 'user-service',
      data: {},
      metadata: { traceparent: traceparent(trace) },
    };
    const body = { envelope, routing_key: 'user.events.registered', priority: 0 };
    const row = { queue: 'outbox', id: 'm', priority: 0, available_at: 0, body, attempts: 1, claim: 'c' };
    expect(entryOf(row, 'perfect21-events')).toMatchObject({
      TraceHeader: `Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=${trace.span_id};Sampled=1`,
    });
  });
});

describe('where spans go', () => {
  const tracing = (env: Record<string, string>) => loadConfig(env).tracing;

  test('is said by the variables of OpenTelemetry, and nowhere unless they say so', () => {
    expect(tracing({})).toBeUndefined();
    expect(tracing({ OTEL_TRACES_SAMPLER: 'always_on' })).toBeUndefined();
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };
    expect(tracing(endpoint)).toEqual({
      url: 'http://collector:4318/v1/traces',
      protocol: 'http/protobuf',
      sampler: 'parentbased_always_on',
      ratio: 1,
      service_name: 'perfect21',
      batches: { most: 2_048, waiting: 8_192, delay_ms: 5_000 },
    });
    const few = { OTEL_BSP_MAX_QUEUE_SIZE: '100', OTEL_BSP_SCHEDULE_DELAY: '50' };
    expect(tracing({ ...endpoint, ...few })?.batches).toEqual({ most: 100, waiting: 100, delay_ms: 50 });
    const small = { ...few, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' };
    expect(tracing({ ...endpoint, ...small })?.batches.most).toBe(10);
    const wild = { OTEL_BSP_MAX_QUEUE_SIZE: '1000000', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '50000' };
    expect(tracing({ ...endpoint, ...wild, OTEL_BSP_SCHEDULE_DELAY: '0' })?.batches).toEqual({
      most: 8_192,
      waiting: 100_000,
      delay_ms: 1,
    });
    expect(tracing({ ...endpoint, PERFECT21_SERVICES: 'auth' })).toMatchObject({ service_name: 'auth-service' });
    expect(tracing({ ...endpoint, OTEL_SERVICE_NAME: 'x' })).toMatchObject({ service_name: 'x' });
    const own = { ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://t/in', OTEL_TRACES_SAMPLER_ARG: '0.25' };
    expect(tracing(own)).toMatchObject({ url: 'https://t/in', ratio: 0.25 });
    expect(tracing({ ...endpoint, OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
    expect(tracing({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined();
  });

  test('stops the start with one line when it makes no sense', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    for (const wrong of [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' },
      { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      { ...endpoint, OTEL_TRACES_SAMPLER: 'xray' },
      { ...endpoint, OTEL_TRACES_SAMPLER_ARG: '2' },
      { ...endpoint, OTEL_BSP_SCHEDULE_DELAY: '-1' },
      { ...endpoint, OTEL_BSP_MAX_QUEUE_SIZE: '1e9' },
      { ...endpoint, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: 'many' },
    ]) {
      expect(() => loadConfig(wrong)).toThrow(StartError);
      expect(() => loadConfig(wrong)).toThrow(/^OTEL_\w+ .*: use /);
    }
    expect(tracing({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_TRACES_SAMPLER: 'xray' })).toBeUndefined();
  });
});

test('a share of all traces is the one that OpenTelemetry’s sampler chooses', () => {
  const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 1 / 16, 0.1, 0.5, 15 / 16, 1));
  fc.assert(
    fc.property(share, fc.array(hex(32), { minLength: 1, maxLength: 50 }), (ratio, ids) => {
      const sampler = new TraceIdRatioBasedSampler(ratio);
      const chosen = ids.filter(
        (id) => sampler.shouldSample(ROOT_CONTEXT, id).decision !== SamplingDecision.NOT_RECORD,
      );
      expect(ids.filter(chosenBy(ratio))).toEqual(chosen);
    }),
  );
});

describe('a tracer', () => {
  let collector: Collector;
  const lines: { code: string }[] = [];
  const log = createLog('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const metrics = createMetrics();
  const open = (sampler: string, ratio = '1') => {
    const { tracing } = loadConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_TRACES_SAMPLER: sampler,
      OTEL_TRACES_SAMPLER_ARG: ratio,
    });
    return openTracer(tracing!, { store: 'sqlite', bus: 'perfect21' }, { log, metrics });
  };
  beforeAll(async () => {
    collector = await startCollector();
  });
  afterAll(() => collector.close());

  const YES = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const NO = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

  test.each([
    ['always_on', '1', [true, true, true]],
    ['always_off', '1', [false, false, false]],
    ['traceidratio', '0', [false, false, false]],
    ['traceidratio', '1', [true, true, true]],
    ['parentbased_always_on', '1', [true, true, false]],
    ['parentbased_always_off', '1', [false, true, false]],
    ['parentbased_traceidratio', '0', [false, true, false]],
    ['parentbased_traceidratio', '1', [true, true, false]],
  ])(
    'samples by %s %s what begins here, what a caller samples and what it does not',
    async (sampler, ratio, expected) => {
      const { port, close } = await open(sampler, ratio);
      const spans: Span[] = [undefined, YES, NO].map((parent) => port.start('x', 'server', parent));
      expect(spans.map(({ trace }) => trace.sampled)).toEqual(expected);
      // what is not recorded travels on as such, and costs nothing below
      expect(spans.map(({ trace }) => trace.tracer !== undefined)).toEqual(expected);
      expect(spans[1]!.trace).toMatchObject({ trace_id: YES.slice(3, 35), parent_id: YES.slice(36, 52) });
      await close();
    },
  );

  test('takes a malformed parent for none, and a caller’s for one of another process', async () => {
    const { port, close } = await open('always_on');
    const of = (parent: string) => port.start('x', 'server', parent) as RecordedSpan;
    expect([of('00-nonsense'), of('')].map(({ remote, trace }) => [remote, trace.parent_id])).toEqual([
      [false, undefined],
      [false, undefined],
    ]);
    expect(of(YES).remote).toBe(true);
    await close();
  });

  test('says once that the collector fails, and that it takes spans again; what is lost is counted', async () => {
    collector.answer(400);
    const { port, close } = await open('always_on');
    // two full batches leave at once, the rest with the end
    for (let n = 0; n < 5_000; n++) port.start('lost', 'internal', undefined).end();
    await vi.waitUntil(() => lines.length > 0);
    await vi.waitUntil(() => collector.requests.length >= 2);
    collector.answer(200);
    await close();
    expect(lines.map(({ code }) => code)).toEqual(['tracing.export_failed', 'tracing.export_recovered']);
    const lost = [...cellsOf(metrics, 'perfect21_spans_dropped_total')];
    expect(lost).toMatchObject([{ labels: { reason: 'refused' } }]);
    expect([2_048, 4_096]).toContain(lost[0]!.value);
  });

  test('ends the span of an operation with the kind of its failure, never with a message', async () => {
    const { port, close } = await open('always_on');
    const fails = operation({
      name: 'tests.fail',
      summary: 'Fails',
      access: 'public',
      input: z.object({}),
      output: z.object({}),
      run: () => {
        throw new Error('the secret is swordfish');
      },
    });
    const host = { ports: { tracer: port } as any, call: async () => undefined };
    const span = port.start('above', 'server', undefined);
    const context = {
      request_id: 'r',
      trace: span.trace,
      caller: { kind: 'anonymous' },
      client: {},
      door: 'local',
    } as const;
    await expect(invoke(host, fails, {}, context)).rejects.toMatchObject({ code: 'internal' });
    await close();
    const found = await collector.seen('tests.fail');
    expect(found).toMatchObject({
      parentSpanId: span.trace.span_id,
      status: 2,
      attributes: { 'error.type': 'internal' },
    });
    expect(collector.requests.map(({ bytes }) => bytes.toString()).join()).not.toContain('swordfish');
  });
});

describe('a call to a service that runs apart', () => {
  let collector: Collector;
  let platform: TestPlatform;
  beforeAll(async () => {
    collector = await startCollector();
    platform = await testPlatform({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    });
  });
  afterAll(async () => {
    await platform?.close();
    await collector?.close();
  });

  test('is one trace over both processes: caller, client, server, operation', async () => {
    const { tracer } = platform.host.ports;
    const token = platform.credentials.service_token;
    const remote = remoteCaller({ discovery: { 'user-service': [`127.0.0.1:${platform.grpc.port}`] }, token });
    const root = tracer!.start('caller', 'internal', undefined);
    const context = {
      request_id: 'r',
      trace: root.trace,
      caller: { kind: 'service', name: 'test', permissions: ['*:*:*'] },
      client: {},
      door: 'local',
    } as const;
    const user_id = '01890a5d-ac96-774b-bcce-b302099a8057';
    await remote.call(getAccount, { user_id }, context).catch(() => {});
    root.end();
    remote.close();
    await platform.close();
    const of = collector.spans.filter(({ traceId }) => traceId === root.trace.trace_id);
    const method = 'perfect21.internal.users/get-account';
    const client = of.find(({ name, kind }) => name === method && kind === 3)!;
    const server = of.find(({ name, kind }) => name === method && kind === 2)!;
    expect(client.parentSpanId).toBe(root.trace.span_id);
    expect(server.parentSpanId).toBe(client.spanId);
    expect(of.find(({ name }) => name === 'users.get-account')!.parentSpanId).toBe(server.spanId);
    const named = { 'rpc.system.name': 'grpc', 'rpc.system': 'grpc', 'rpc.service': 'perfect21.internal.users' };
    expect(client.attributes).toMatchObject({ ...named, 'rpc.method': method });
    expect(server.attributes).toMatchObject({ ...named, 'rpc.method': method, 'rpc.status': 'ok' });
    expect(server.attributes['rpc.response.status_code']).toEqual(expect.any(String));
    expect(JSON.stringify(of)).not.toContain(user_id);
  });
});
