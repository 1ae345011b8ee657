/** Events in AWS from end to end: real functions on DynamoDB, the real SDK, and the bus and queues of the template. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { APIGatewayProxyStructuredResultV2, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { handler as registerFunction } from '../../../functions/lambda/auth-register.ts';
import { handler as relayFunction } from '../../../functions/lambda/events-relay.ts';
import { handler as mailFunction } from '../../../functions/lambda/notifications-on-user-events.ts';
import { schema } from '../../../functions/lambda/schema.ts';
import { ROOT } from '../../../infra/generate/files.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import { secrets } from '../../../shared/keys/secrets.ts';
import { Assembly } from '../../../shared/kit/adapter.ts';
import { OUTBOX } from '../../../shared/kit/event.ts';
import { DEAD, type DeadLetter } from '../../../shared/messaging/dead-letters.ts';
import type { OutboxBody } from '../../../shared/ports/envelope.ts';
import type { Store } from '../../../shared/ports/store.ts';
import { dynamodbStore } from '../../../shared/store/dynamodb/adapter.ts';
import { systemClock } from '../../../shared/system/clock.ts';
import { randomIds } from '../../../shared/system/ids.ts';
import { jsonLog } from '../../../shared/system/log.ts';
import { startDynamo } from '../../engines/dynamodb.ts';
import { streamOf } from '../../engines/dynamodb-stream.ts';
import { rulesIn, startEventBridge } from '../../engines/eventbridge.ts';
import { startSes } from '../../engines/ses.ts';
import { startSqs } from '../../engines/sqs.ts';
import { awsEnvironment, stubEnvironment } from '../../support/aws.ts';
import { matchesPattern } from '../../support/eventbridge-matcher.ts';
import { TEST_SECRET } from '../../support/platform.ts';
import { httpEvent, lambdaContext } from './support.ts';

// read when the functions are loaded
vi.hoisted(() => {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
});

const BUS = 'perfect21-events';
const USER_EVENTS = 'NotificationServiceUserEventsQueue';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

const generated = (file: string) => parse(readFileSync(join(ROOT, 'infra/generated', file), 'utf8'));
const { Resources } = generated('resources.yml');
const [FILTER] = generated('functions.yml')['events-relay'].events[0].stream.filterPatterns;

const streamed = { Records: [] };
const scheduled = { 'detail-type': 'Scheduled Event', source: 'aws.events' };

const register = async (email: string) => {
  const body = JSON.stringify({ email, password: 'a long and unusual phrase 7' });
  const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` };
  const event = httpEvent({ path: '/api/v1/auth/register', body, headers });
  return (await registerFunction(event, lambdaContext())) as APIGatewayProxyStructuredResultV2;
};
const relay = (event: object = streamed, remaining = 60_000) =>
  relayFunction(event, lambdaContext(remaining)) as Promise<{ relayed: number }>;
const mail = (event: SQSEvent) => mailFunction(event, lambdaContext()) as Promise<SQSBatchResponse>;

describe('events in AWS', () => {
  let dynamo: Awaited<ReturnType<typeof startDynamo>>;
  let ses: Awaited<ReturnType<typeof startSes>>;
  let sqs: Awaited<ReturnType<typeof startSqs>>;
  let bus: Awaited<ReturnType<typeof startEventBridge>>;
  let stream: Awaited<ReturnType<typeof streamOf>>;
  let assembly: Assembly;
  let store: Store;

  beforeAll(async () => {
    [dynamo, ses, sqs] = await Promise.all([startDynamo(), startSes('example.org'), startSqs(Resources)]);
    bus = await startEventBridge({ bus: BUS, rules: rulesIn(Resources), deliver: sqs.send });
    const environment = {
      STORE_URL: 'dynamodb://perfect21-flow',
      BUS_URL: `eventbridge://${BUS}`,
      MAIL_URL: 'ses:',
      MAIL_FROM: 'perfect21 <no-reply@example.org>',
      PERFECT21_SECRET: TEST_SECRET,
      PERFECT21_PUBLIC_URL: 'https://login.example.org',
      POWERTOOLS_METRICS_DISABLED: 'true',
      QUEUE_DEAD_URL: sqs.url(`${USER_EVENTS}Dead`),
      ...awsEnvironment({
        DYNAMODB: dynamo.endpoint,
        EVENTBRIDGE: bus.endpoint,
        SQS: sqs.endpoint,
        SESV2: ses.endpoint,
      }),
    };
    stubEnvironment(environment);
    const config = loadConfig({ ...process.env, LOG_LEVEL: 'silent' });
    assembly = new Assembly([systemClock, randomIds, jsonLog, secrets, dynamodbStore(schema)], config);
    store = await assembly.get('store');
    const { StreamViewType } = Resources.MessagesTable.Properties.StreamSpecification;
    stream = await streamOf(dynamo, 'perfect21-flow-messages', StreamViewType);
  }, 60_000);
  afterAll(async () => {
    await assembly?.close();
    await Promise.all([bus?.close(), sqs?.close(), ses?.close(), dynamo?.close()]);
    vi.unstubAllEnvs();
  });
  /** The stream's new records that call the relay. */
  const calling = async () => (await stream.read()).filter((record) => matchesPattern(FILTER, record));

  beforeEach(() => {
    bus.state.trouble = {};
    bus.requests.length = 0;
    ses.sent.length = 0;
  });

  test('a registration becomes a mail: outbox, relay, EventBridge, SQS, the notifications function, SES', async () => {
    expect((await register('ada@example.net')).statusCode).toBe(202);
    expect((await store.messages.depth(OUTBOX)).count).toBe(1);
    const Records = await calling();
    expect(Records).toHaveLength(1);
    expect(await relay({ Records })).toEqual({ relayed: 1 });
    expect((await store.messages.depth(OUTBOX)).count).toBe(0);
    // the relay's own claims and removals don't call it
    expect(await calling()).toEqual([]);

    const [[entry]] = bus.requests as [[any]];
    expect(entry).toMatchObject({ Source: 'perfect21.user-service', DetailType: 'user.registered', EventBusName: BUS });
    const detail = JSON.parse(entry.Detail);
    expect(detail.routing).toMatchObject({ key: 'user.events.registered', n: 3, w0: 'user', e0: 'registered' });
    expect(detail.metadata.traceparent).toContain(TRACE);
    expect(new Date(entry.Time * 1000).toISOString()).toBe(detail.timestamp);

    await sqs.drain(USER_EVENTS, mail);
    expect(ses.sent.map(({ Destination }) => Destination.ToAddresses)).toEqual([['ada@example.net']]);
    expect(sqs.waiting(USER_EVENTS)).toEqual([]);
  });

  test('an event that the bus brings twice is mailed once', async () => {
    await register('bob@example.net');
    await relay();
    await sqs.send(USER_EVENTS, sqs.waiting(USER_EVENTS)[0]!);
    expect(sqs.waiting(USER_EVENTS)).toHaveLength(2);
    await sqs.drain(USER_EVENTS, mail);
    expect(ses.sent).toHaveLength(1);
  });

  test('an entry that EventBridge fails stays in the outbox, and it alone is published again by the schedule', async () => {
    for (const name of ['c1', 'c2', 'c3']) await register(`${name}@example.net`);
    const second = (await store.messages.peek(OUTBOX, 3))[1]!.body as OutboxBody;
    const failing = second.envelope.message_id;
    bus.state.trouble = { entry: ({ Detail }) => (Detail.includes(failing) ? 'ThrottlingException' : undefined) };
    expect(await relay()).toEqual({ relayed: 3 });
    expect(sqs.waiting(USER_EVENTS)).toHaveLength(2);
    const [left, ...others] = await store.messages.peek(OUTBOX, 3);
    expect([others.length, left!.id, left!.attempts]).toEqual([0, failing, 1]);

    bus.state.trouble = {};
    bus.requests.length = 0;
    // it was given back for half a second; the schedule comes when that is over
    await vi.waitUntil(async () => (await relay(scheduled)).relayed === 1, { timeout: 5_000, interval: 50 });
    expect(bus.requests.map((entries) => entries.map(({ Detail }) => JSON.parse(Detail).message_id))).toEqual([
      [failing],
    ]);
    await sqs.drain(USER_EVENTS, mail);
    expect(ses.sent).toHaveLength(3);
  });

  test('a row that no bus can carry is parked with the reason and holds up nobody', async () => {
    const poison = { queue: OUTBOX, id: 'poison', available_at: 0, priority: 9, body: { envelope: 'none' } };
    await store.transact([], { enqueue: [poison] });
    await register('dora@example.net');
    expect(await relay()).toEqual({ relayed: 2 });
    const [parked] = await store.messages.peek(DEAD, 10);
    expect([parked!.reason, (parked!.body as DeadLetter).id]).toEqual(['not an event', 'poison']);
    await sqs.drain(USER_EVENTS, mail);
    expect(ses.sent).toHaveLength(1);
  });

  test('what EventBridge refuses for good is parked, what it refuses for now is not', async () => {
    const before = (await store.messages.depth(DEAD)).count;
    await register('eve@example.net');
    bus.state.trouble = { call: { status: 400, type: 'AccessDeniedException' } };
    await relay();
    expect((await store.messages.depth(OUTBOX)).count).toBe(1);
    bus.state.trouble = { entry: () => 'MalformedDetail' };
    await vi.waitUntil(async () => (await relay(scheduled)).relayed === 1, { timeout: 5_000, interval: 50 });
    expect((await store.messages.depth(OUTBOX)).count).toBe(0);
    expect((await store.messages.depth(DEAD)).count).toBe(before + 1);
  });

  test('an event with a delay waits in the outbox until it is due', async () => {
    const at = Date.now() + 3_600_000;
    const body = { envelope: { message_id: 'later' }, routing_key: 'a.b', priority: 0 };
    await store.transact([], { enqueue: [{ queue: OUTBOX, id: 'later', available_at: at, body }] });
    expect(await relay()).toEqual({ relayed: 0 });
    const [waiting] = await store.messages.peek(OUTBOX, 1);
    expect([waiting!.id, waiting!.attempts]).toEqual(['later', 0]);
  });

  test('a relay whose time is short begins no step that it could not end', async () => {
    await register('finn@example.net');
    expect(await relay(streamed, 14_000)).toEqual({ relayed: 0 });
    expect(await relay()).toEqual({ relayed: 1 });
  });

  test('a message that no try can mend is parked at once, with the reason', async () => {
    await sqs.drain(USER_EVENTS, mail);
    await sqs.send(USER_EVENTS, '{"detail":"no envelope"}');
    let tries = 0;
    await sqs.drain(USER_EVENTS, (event) => {
      tries += 1;
      return mail(event);
    });
    expect(tries).toBe(1);
    const [letter] = sqs.inspect(`${USER_EVENTS}Dead`).ready as any[];
    expect(letter.body).toBe('{"detail":"no envelope"}');
    const told = Object.entries(letter.messageAttributes).map(([name, { StringValue }]: any) => [name, StringValue]);
    expect(Object.fromEntries(told)).toEqual({
      reason: 'invalid_request',
      attempts: '1',
      from: 'notification-service.user_events',
      parked_at: expect.stringMatching(/Z$/),
    });
  });

  test('a message whose handler fails for now comes again after the wait of its try', async () => {
    await register('gil@example.net');
    await relay();
    ses.state.trouble = { status: 503, type: 'ServiceUnavailableException' };
    let handled = 0;
    await sqs.drain(USER_EVENTS, (event) => {
      handled += 1;
      return mail(event);
    });
    // hidden for about a second, and not given again at once
    expect(handled).toBe(1);
    expect(sqs.waiting(USER_EVENTS)).toHaveLength(1);
    ses.state.trouble = undefined;
    await vi.waitUntil(
      async () => {
        await sqs.drain(USER_EVENTS, mail);
        return sqs.waiting(USER_EVENTS).length === 0;
      },
      { timeout: 8_000, interval: 200 },
    );
    expect(ses.sent.map(({ Destination }) => Destination.ToAddresses)).toEqual([['gil@example.net']]);
  });
});
