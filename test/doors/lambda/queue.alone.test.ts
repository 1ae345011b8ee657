import type { SQSBatchResponse } from 'aws-lambda';
import { describe, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { lambdaQueue } from '../../../shared/doors/lambda/queue.ts';
import { readEnvelope } from '../../../shared/doors/lambda/record.ts';
import { adapter } from '../../../shared/kit/adapter.ts';
import { AppError } from '../../../shared/kit/errors.ts';
import { operation } from '../../../shared/kit/operation.ts';
import { AnyEnvelope } from '../../../shared/messaging/envelope.ts';
import { routingOf } from '../../../shared/messaging/eventbridge/routing.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import { randomIds } from '../../../shared/system/ids.ts';
import { startSqs } from '../../engines/sqs.ts';
import { awsEnvironment, stubEnvironment } from '../../support/aws.ts';
import { lambdaContext, queueEvent } from './support.ts';

const envelope = (n: number, type = 'thing.happened') => ({
  message_id: `id-${n}`,
  message_type: type,
  timestamp: '2026-11-22T12:00:00.000Z',
  source_service: 'tests',
  correlation_id: `request-${n}`,
  data: { n },
});

/** Handlers of one queue that note what they did; the second fails for what it is told. */
const queue = (failing: Map<number, AppError> = new Map()) => {
  const handled: string[] = [];
  const counted: string[] = [];
  const logged: [code: string, fields: any][] = [];
  const log = (code: string, fields: object) => void logged.push([code, fields]);
  const observing = [
    adapter({ port: 'log', open: () => ({ port: { debug: log, info: log, warn: log, error: log } as any }) }),
    adapter({
      port: 'metrics',
      open: () => {
        const count = (name: string, { result }: any) =>
          name === 'perfect21_queue_messages_total' && counted.push(result);
        return { port: { count, observe: () => {}, gauge: () => {} } as any };
      },
    }),
  ];
  const handler = (name: `tests.${string}`) =>
    operation({
      name,
      summary: 'Handles',
      subscription: { queue: 'tests.things', bindings: ['things.#'], types: ['thing.happened'] },
      access: 'service',
      input: AnyEnvelope,
      output: z.object({}),
      run: (_, { data }, { request_id }) => {
        const error = failing.get(data.n as number);
        if (error && name === 'tests.second') throw error;
        handled.push(`${name} ${request_id}`);
        return {};
      },
    });
  const operations = [handler('tests.first'), handler('tests.second')];
  const run = lambdaQueue(operations, () => [systemClock, randomIds, ...observing], {
    types: ['thing.happened', 'thing.else'],
  });
  return {
    handled,
    counted,
    logged,
    raw: run as (event: unknown, context: unknown) => Promise<unknown>,
    run: (bodies: readonly unknown[]) =>
      run(
        queueEvent(bodies.map((body) => (typeof body === 'string' ? body : JSON.stringify(body)))),
        lambdaContext(),
      ) as Promise<SQSBatchResponse>,
  };
};

const failed = ({ batchItemFailures }: SQSBatchResponse) =>
  batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);

describe('a function behind a queue', () => {
  test('of ten records with one poison returns only that one', async () => {
    const { run, handled } = queue(new Map([[4, new AppError('invalid_request')]]));
    expect(failed(await run(Array.from({ length: 10 }, (_, n) => envelope(n))))).toEqual(['message-4']);
    expect(handled.filter((line) => line.startsWith('tests.second'))).toHaveLength(9);
  });

  test('returns every record when all fail, instead of failing the batch as a whole', async () => {
    const { run } = queue(new Map([0, 1].map((n) => [n, new AppError('unavailable')])));
    expect(failed(await run([envelope(0), envelope(1)]))).toEqual(['message-0', 'message-1']);
  });

  test('takes the envelope out of an EventBridge event and ignores types that nobody handles', async () => {
    const { run, handled } = queue();
    const routed = { ...envelope(7), routing: routingOf('things.happened') };
    const event = { version: '0', 'detail-type': 'thing.happened', source: 'perfect21.tests', detail: routed };
    expect(failed(await run([event, envelope(8, 'thing.else')]))).toEqual([]);
    expect(handled).toEqual(['tests.first request-7', 'tests.second request-7']);
  });

  test('tells its handlers which try of the record it is', async () => {
    const tries: unknown[] = [];
    const handler = operation({
      name: 'tests.tried',
      summary: 'Notes the try',
      subscription: { queue: 'tests.things', bindings: ['things.#'], types: ['thing.happened'] },
      access: 'service',
      input: AnyEnvelope,
      output: z.object({}),
      run: (_, __, { attempt }) => {
        tries.push(attempt);
        return {};
      },
    });
    const event = queueEvent([JSON.stringify(envelope(1))]);
    event.Records[0]!.attributes.ApproximateReceiveCount = '3';
    await lambdaQueue([handler], () => [systemClock, randomIds])(event, lambdaContext());
    expect(tries).toEqual([3]);
  });

  test('returns records that carry no envelope', async () => {
    const { run } = queue();
    expect(failed(await run(['not json', { detail: 1 }, envelope(1)]))).toEqual(['message-0', 'message-1']);
    expect(() => readEnvelope('{}')).toThrow(AppError);
  });

  test('returns records whose frame says something else than their envelope, or what it cannot say', async () => {
    const { run } = queue();
    const frame = (more: object, routing?: object) => ({
      source: `perfect21.${envelope(1).source_service}`,
      'detail-type': envelope(1).message_type,
      detail: { ...envelope(1), routing: { ...routingOf('a.b'), ...routing } },
      ...more,
    });
    const odd = [
      frame({ 'detail-type': 'user.login' }),
      frame({ source: 'perfect21.somebody' }),
      frame({}, { key: 'a..b' }),
      frame({ detail: envelope(1) }),
      frame({}, { key: 'a.b', priority: '9' }),
    ];
    const urgent = [9, 200].map((priority) => frame({}, { key: 'a.b', priority }));
    const good = [frame({}), frame({ source: 'a.partner' }), ...urgent];
    const all = [...odd, ...good].map((each, at) => ({ ...each, detail: { ...each.detail, message_id: `m${at}` } }));
    expect(failed(await run(all))).toEqual(odd.map((_, at) => `message-${at}`));
  });

  test('logs a failure with the ids of its request and its trace', async () => {
    const { run, logged } = queue(new Map([[4, new AppError('unavailable')]]));
    const trace_id = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traceparent = `00-${trace_id}-00f067aa0ba902b7-01`;
    await run([{ ...envelope(4), metadata: { traceparent } }]);
    const ids = { message_id: 'id-4', request_id: 'request-4', trace_id };
    expect(logged).toEqual([['event.failed', expect.objectContaining(ids)]]);
  });

  test('passes over a type that nobody knows, counts it as unknown and says so', async () => {
    const { run, counted, logged } = queue();
    expect(failed(await run([envelope(1, 'thing.else'), envelope(2, 'thing.new'), envelope(3)]))).toEqual([]);
    expect([...counted].sort()).toEqual(['done', 'ignored', 'unknown']);
    const told = { queue: 'tests.things', message_id: 'id-2', message_type: 'thing.new', request_id: 'request-2' };
    expect(logged).toEqual([['queue.unknown_type', expect.objectContaining(told)]]);
  });

  test('counts a record by what became of it in the end: parked, or to come again', async () => {
    const types = { Type: 'AWS::SQS::Queue', Properties: {} };
    const sqs = await startSqs({ queue: types, dead: types });
    stubEnvironment({ ...awsEnvironment({ SQS: sqs.endpoint }), QUEUE_DEAD_URL: sqs.url('dead') });
    try {
      const errors = [new AppError('invalid_request'), new AppError('unavailable')] as const;
      const { run, counted } = queue(new Map(errors.map((error, n) => [n, error])));
      for (const n of [0, 1, 2]) await run([envelope(n)]);
      // a receipt that SQS does not know: it can't be told when, and brings it again by itself
      expect(counted).toEqual(['parked', 'retried', 'done']);
      expect(sqs.waiting('dead')).toEqual([JSON.stringify(envelope(0))]);
    } finally {
      vi.unstubAllEnvs();
      await sqs.close();
    }
  });

  test('handles deliveries of one event one after the other, and other events meanwhile', async () => {
    const steps: string[] = [];
    const slow = operation({
      name: 'tests.slow',
      summary: 'Handles slowly',
      subscription: { queue: 'tests.things', bindings: ['things.#'], types: ['thing.happened'] },
      access: 'service',
      input: AnyEnvelope,
      output: z.object({}),
      run: async (_, { data }) => {
        steps.push(`${data.n} begins`);
        await new Promise(setImmediate);
        steps.push(`${data.n} ends`);
        if (steps.length === 3) throw new AppError('unavailable');
        return {};
      },
    });
    const run = lambdaQueue([slow], () => [systemClock, randomIds]);
    const bodies = [envelope(1), envelope(1), envelope(2)].map((each) => JSON.stringify(each));
    expect(failed((await run(queueEvent(bodies), lambdaContext())) as SQSBatchResponse)).toEqual(['message-0']);
    expect(steps.filter((step) => step.startsWith('1'))).toEqual(['1 begins', '1 ends', '1 begins', '1 ends']);
    expect(steps.indexOf('2 begins')).toBeLessThan(steps.indexOf('1 ends'));
  });

  test('says clearly that it does not know an event of another kind', async () => {
    await expect(queue().raw({ version: '2.0' }, lambdaContext())).rejects.toThrow(
      /tests.first, tests.second takes batches of SQS/,
    );
  });
});
