/** The bridge as two functions: batches in Amazon MQ's and SQS's form, a real RabbitMQ, and the real SDK. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GetMessage } from 'amqplib';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { schema } from '../../functions/lambda/schema.ts';
import { lambdaToEventBridge } from '../../shared/doors/lambda/to-eventbridge.ts';
import { lambdaToRabbitmq } from '../../shared/doors/lambda/to-rabbitmq.ts';
import { secrets } from '../../shared/keys/secrets.ts';
import { adapter } from '../../shared/kit/adapter.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { BRIDGE_LIMITS, bridgeTopology, TO_EVENTBRIDGE } from '../../shared/messaging/bridge/carrying.ts';
import { deliveredIn, type MqEvent } from '../../shared/messaging/bridge/from-rabbitmq.ts';
import type { AnyEnvelope } from '../../shared/messaging/envelope.ts';
import { propertiesOf } from '../../shared/messaging/rabbitmq/message.ts';
import { declare } from '../../shared/messaging/rabbitmq/topology.ts';
import { sqliteStore } from '../../shared/store/sqlite/adapter.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { randomIds } from '../../shared/system/ids.ts';
import { lambdaContext, queueEvent } from '../doors/lambda/support.ts';
import { empty, envelope, observer } from '../messaging/rabbitmq/rig.ts';
import { TEST_SECRET } from '../support/platform.ts';
import { BUS, CONSUMER, DEAD_QUEUE, QUEUE, type Sides, startSides } from './rig.ts';

// read when the functions are loaded
vi.hoisted(() => {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
});

const KEY = 'user.events.login';
const DEAD = 'perfect21.dead';
const PROBE = 'probe.user_events';

/** As Amazon MQ writes headers: texts as bytes. */
const bytes = (value: unknown): unknown => (typeof value === 'string' ? { bytes: [...Buffer.from(value)] } : value);

const mqEvent = (messages: readonly GetMessage[]): MqEvent => ({
  eventSource: 'aws:rmq',
  rmqMessagesByQueue: {
    [`${TO_EVENTBRIDGE}::/`]: messages.map(({ content, properties, fields }) => ({
      basicProperties: {
        ...properties,
        timestamp: 'Jan 1, 1970, 12:33:41 AM',
        headers: Object.fromEntries(Object.entries(properties.headers ?? {}).map(([k, v]) => [k, bytes(v)])),
      },
      redelivered: fields.redelivered,
      data: content.toString('base64'),
    })),
  },
});

describe('the functions of the bridge', () => {
  let sides: Sides;
  let seen: Awaited<ReturnType<typeof observer>>;
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-bridge-functions-'));
  const choose = () => [systemClock, randomIds, secrets, sqliteStore(schema)];
  const there = lambdaToEventBridge(choose);
  const back = lambdaToRabbitmq(choose);
  const stub = (values: Record<string, string>) => {
    for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
  };

  /** What Lambda does with Amazon MQ: all of a batch is acknowledged, or none. */
  const carryThere = async (): Promise<unknown> => {
    const messages: GetMessage[] = [];
    for (let got = await seen.channel.get(TO_EVENTBRIDGE); got; got = await seen.channel.get(TO_EVENTBRIDGE)) {
      messages.push(got);
    }
    stub({ BUS_URL: `eventbridge://${BUS}` });
    try {
      const answer = await there(mqEvent(messages), lambdaContext(30_000));
      for (const message of messages) seen.channel.ack(message);
      return answer;
    } catch (thrown) {
      for (const message of messages) seen.channel.nack(message);
      throw thrown;
    }
  };
  const carryBack = async (): Promise<void> => {
    stub({ BUS_URL: sides.rabbit.url });
    await sides.sqs.drain(QUEUE, (event: SQSEvent) => back(event, lambdaContext(30_000)) as Promise<SQSBatchResponse>);
  };
  const publish = (event: AnyEnvelope, options: object = propertiesOf(event, KEY, 5)) =>
    seen.channel.publish('perfect21.events', KEY, Buffer.from(JSON.stringify(event)), options);
  const details = (id: string) =>
    sides.eventBridge.requests
      .flat()
      .map(({ Detail }) => JSON.parse(Detail))
      .filter(({ message_id }) => message_id === id);
  const waits = async (queue: string) => (await seen.channel.checkQueue(queue)).messageCount;

  beforeAll(async () => {
    sides = await startSides();
    stub({
      ...sides.environment,
      STORE_URL: `sqlite:${join(folder, 'bridge.db')}`,
      PERFECT21_DATA_DIR: folder,
      PERFECT21_SECRET: TEST_SECRET,
      POWERTOOLS_METRICS_DISABLED: 'true',
      BRIDGE_QUEUE_URL: sides.sqs.url(QUEUE),
      QUEUE_DEAD_URL: sides.sqs.url(DEAD_QUEUE),
    });
    seen = await observer(sides.rabbit.url);
    await declare(seen.channel, bridgeTopology, { url: sides.rabbit.url, queue_type: 'classic', ...BRIDGE_LIMITS });
    await seen.channel.assertQueue(PROBE, { durable: true });
    await seen.channel.bindQueue(PROBE, 'perfect21.events', 'user.events.*');
  }, 120_000);
  afterAll(async () => {
    await back.close();
    await seen?.close();
    await sides?.close();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    sides.eventBridge.state.trouble = {};
    for (const queue of [PROBE, DEAD]) await empty(seen.channel, queue);
  });

  test('carry an event of RabbitMQ to EventBridge with its key, and not back', async () => {
    const event = envelope({ user_id: 'user-1', correlation_id: 'request-1' });
    publish(event);
    expect(await carryThere()).toEqual({ taken: 1 });
    await carryBack();
    const [{ routing, ...carried }, ...others] = details(event.message_id);
    expect([carried, others]).toEqual([{ ...event, metadata: { origin: 'rabbitmq', hops: 1 } }, []]);
    expect(routing).toMatchObject({ key: KEY, priority: 5 });
    expect(await waits(PROBE)).toBe(1);
    expect(sides.sqs.waiting(CONSUMER).filter((body) => body.includes(event.message_id))).toHaveLength(1);
  });

  test('carry an event of EventBridge to RabbitMQ, and not back', async () => {
    const event = envelope({ user_id: 'user-2' });
    await sides.putEvent(event, KEY, 8);
    await carryBack();
    const [found, ...others] = await empty(seen.channel, PROBE);
    expect(others).toEqual([]);
    expect(found!.properties).toMatchObject({
      messageId: event.message_id,
      priority: 8,
      headers: { user_id: 'user-2' },
    });
    expect(await carryThere()).toEqual({ taken: 1 });
    expect(details(event.message_id)).toEqual([]);
    expect(sides.sqs.waiting(QUEUE)).toEqual([]);
  });

  test('repeat of a batch that failed only what failed', async () => {
    const all = Array.from({ length: 5 }, () => envelope());
    for (const event of all) publish(event);
    const { message_id } = all[2]!;
    const away = {
      entry: ({ Detail }: { Detail: string }) => (Detail.includes(message_id) ? 'Throttling' : undefined),
    };
    sides.eventBridge.state.trouble = away;
    await expect(carryThere()).rejects.toThrow('1 of 5 messages could not be carried');
    sides.eventBridge.state.trouble = {};
    sides.eventBridge.requests.length = 0;
    expect(await carryThere()).toEqual({ taken: 5 });
    expect(sides.eventBridge.requests.flat()).toHaveLength(1);
    await carryBack();
  });

  test('put what is no event into the dead letters of the side that it came from, with the reason', async () => {
    seen.channel.publish('perfect21.events', KEY, Buffer.from('no JSON'), { headers: { colour: 'blue' } });
    expect(await carryThere()).toEqual({ taken: 1 });
    await carryBack();
    const [letter] = await empty(seen.channel, DEAD);
    expect(letter!.content.toString()).toBe('no JSON');
    expect(letter!.properties.headers).toMatchObject({
      colour: 'blue',
      'x-perfect21-reason': 'not JSON',
      'x-perfect21-from': TO_EVENTBRIDGE,
      'x-perfect21-attempts': 0,
    });

    await sides.sqs.send(QUEUE, '{"detail":{}}');
    await carryBack();
    const [other] = sides.sqs.inspect(DEAD_QUEUE).ready as any[];
    expect([other.body, other.messageAttributes.reason.StringValue]).toEqual(['{"detail":{}}', 'invalid routing key']);
  });

  test('park what waited longer than it could on RabbitMQ’s side, and carry it no more', async () => {
    const { detail } = JSON.parse(JSON.stringify({ detail: envelope() }));
    const body = JSON.stringify({ detail: { ...detail, routing: { key: KEY } } });
    const [record] = queueEvent([body]).Records;
    record!.eventSourceARN = `arn:aws:sqs:eu-central-1:000000000000:${QUEUE}`;
    record!.attributes.SentTimestamp = String(Date.now() - BRIDGE_LIMITS.message_ttl - 1_000);
    stub({ BUS_URL: sides.rabbit.url });
    expect(await back({ Records: [record!] }, lambdaContext(30_000))).toEqual({ batchItemFailures: [] });
    const letters = sides.sqs.inspect(DEAD_QUEUE).ready as any[];
    const reasons = letters
      .filter((each) => each.body === body)
      .map((each) => each.messageAttributes.reason.StringValue);
    expect([reasons, await waits(PROBE)]).toEqual([['expired'], 0]);
  });

  test('name as failed what they could not carry while the store is away, and park nothing', async () => {
    const fail = async (): Promise<never> => {
      throw new AppError('unavailable');
    };
    const away = adapter({ port: 'store', open: () => ({ port: { get: fail, transact: fail } as any }) });
    const deaf = lambdaToRabbitmq(() => [systemClock, randomIds, secrets, away]);
    const event = envelope();
    await sides.putEvent(event, KEY);
    stub({ BUS_URL: sides.rabbit.url });
    const before = sides.sqs.waiting(DEAD_QUEUE).length;
    const answers: SQSBatchResponse[] = [];
    await sides.sqs.drain(QUEUE, async (batch: SQSEvent) => {
      answers.push((await deaf(batch, lambdaContext(30_000))) as SQSBatchResponse);
      return answers.at(-1)!;
    });
    await deaf.close();
    expect(answers.map(({ batchItemFailures }) => batchItemFailures.length)).toEqual([1]);
    expect([sides.sqs.waiting(DEAD_QUEUE).length, await waits(PROBE)]).toEqual([before, 0]);
    await vi.waitUntil(
      async () => {
        await carryBack();
        return (await waits(PROBE)) > 0;
      },
      { timeout: 10_000, interval: 200 },
    );
  });

  test('find the routing key of a foreign publisher by the catalogue', async () => {
    const event = envelope({ message_type: 'user.login' });
    publish(event, { type: 'user.login', messageId: event.message_id });
    await carryThere();
    expect(details(event.message_id)[0].routing.key).toBe('user.events.login');
    const [unknown] = deliveredIn({ eventSource: 'aws:rmq', rmqMessagesByQueue: { 'a::/': [{ data: '' }] } });
    expect(unknown!.fields.routingKey).toBe('events.unknown');
    await carryBack();
  });

  test('give messages back while RabbitMQ is away, and carry them at its return', async () => {
    const event = envelope();
    await sides.rabbit.stop();
    await sides.putEvent(event, KEY);
    stub({ BUS_URL: sides.rabbit.url });
    await expect(carryBack()).rejects.toThrow('RabbitMQ is away');
    await sides.rabbit.start();
    seen = await observer(sides.rabbit.url);
    await vi.waitUntil(
      async () => {
        await carryBack();
        return (await waits(PROBE)) > 0;
      },
      { timeout: 30_000, interval: 500 },
    );
    expect((await empty(seen.channel, PROBE))[0]!.properties.messageId).toBe(event.message_id);
  }, 90_000);
});
