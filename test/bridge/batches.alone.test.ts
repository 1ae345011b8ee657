/** Batches of Amazon MQ that come again: what the function in front of EventBridge repeats of them, and what not. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { schema } from '../../functions/lambda/schema.ts';
import { lambdaToEventBridge } from '../../shared/doors/lambda/to-eventbridge.ts';
import { secrets } from '../../shared/keys/secrets.ts';
import { adapter } from '../../shared/kit/adapter.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { unpackLetter } from '../../shared/messaging/bridge/letters.ts';
import { sqliteStore } from '../../shared/store/sqlite/adapter.ts';
import { systemClock } from '../../shared/system/clock.ts';
import { randomIds } from '../../shared/system/ids.ts';
import { lambdaContext } from '../doors/lambda/support.ts';
import { startEventBridge } from '../engines/eventbridge.ts';
import { startSqs } from '../engines/sqs.ts';
import { envelope } from '../messaging/rabbitmq/rig.ts';
import { awsEnvironment, stubEnvironment } from '../support/aws.ts';
import { TEST_SECRET } from '../support/platform.ts';

// read when the functions are loaded
vi.hoisted(() => {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
});

const [BUS, QUEUE] = ['perfect21-events', 'bridge'];
const KEY = 'user.events.login';

let sqs: Awaited<ReturnType<typeof startSqs>>;
let bus: Awaited<ReturnType<typeof startEventBridge>>;
const folder = mkdtempSync(join(tmpdir(), 'perfect21-batches-'));
const carry = lambdaToEventBridge(() => [systemClock, randomIds, secrets, sqliteStore(schema)]);

beforeAll(async () => {
  sqs = await startSqs({ [QUEUE]: { Type: 'AWS::SQS::Queue', Properties: {} } });
  bus = await startEventBridge({ bus: BUS, rules: [], deliver: async () => {} });
  stubEnvironment({
    ...awsEnvironment({ EVENTBRIDGE: bus.endpoint, SQS: sqs.endpoint }),
    STORE_URL: `sqlite:${join(folder, 'bridge.db')}`,
    BUS_URL: `eventbridge://${BUS}`,
    BRIDGE_QUEUE_URL: sqs.url(QUEUE),
    PERFECT21_DATA_DIR: folder,
    PERFECT21_SECRET: TEST_SECRET,
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
});
afterAll(async () => {
  await Promise.all([sqs?.close(), bus?.close()]);
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  bus.state.trouble = {};
  bus.requests.length = 0;
  await sqs.drain(QUEUE, async () => ({ batchItemFailures: [] }));
});

const message = (content: string, headers: Record<string, string> = {}) => ({
  basicProperties: { headers: { 'x-perfect21-routing-key': KEY, ...headers } },
  redelivered: false,
  data: Buffer.from(content).toString('base64'),
});
const eventOf = (user_id: string) => {
  const event = envelope({ user_id });
  return { id: event.message_id, message: message(JSON.stringify(event), { user_id }) };
};
const run = (messages: readonly object[], handler = carry) =>
  handler(
    { eventSource: 'aws:rmq', rmqMessagesByQueue: { 'bridge.to_eventbridge::/': messages } },
    lambdaContext(30_000),
  );
const throttle = (id: string): void => {
  bus.state.trouble = { entry: ({ Detail }) => (Detail.includes(id) ? 'ThrottlingException' : undefined) };
};
const letters = (): string[] => sqs.waiting(QUEUE).map((body) => unpackLetter(body)!.content.toString());
const published = (): string[] => bus.requests.flat().map(({ Detail }) => JSON.parse(Detail).message_id);

test('a letter goes out once, however often its batch comes again', async () => {
  const throttled = eventOf('user-1');
  const batch = [message('no JSON'), throttled.message];
  throttle(throttled.id);
  for (let times = 0; times < 3; times++) await expect(run(batch)).rejects.toThrow('1 of 2 messages');
  expect(letters()).toEqual(['no JSON']);
  bus.state.trouble = {};
  expect(await run(batch)).toEqual({ taken: 2 });
  expect(letters()).toEqual(['no JSON']);
});

test('an event that EventBridge refuses for good has one letter, too', async () => {
  const [refused, throttled] = [eventOf('user-1'), eventOf('user-2')];
  bus.state.trouble = {
    entry: ({ Detail }) =>
      Detail.includes(refused.id) ? 'MalformedDetail' : Detail.includes(throttled.id) ? 'Throttling' : undefined,
  };
  const batch = [refused.message, throttled.message];
  for (let times = 0; times < 3; times++) await expect(run(batch)).rejects.toThrow('1 of 2 messages');
  expect(letters()).toHaveLength(1);
});

test('a letter that was replayed and is still none of our events becomes a letter again', async () => {
  expect(await run([message('again')])).toEqual({ taken: 1 });
  expect(await run([message('again')])).toEqual({ taken: 1 });
  expect(letters()).toEqual(['again', 'again']);
});

test('two messages that are just alike have a letter each', async () => {
  const throttled = eventOf('user-1');
  throttle(throttled.id);
  const batch = [message('alike'), message('alike'), throttled.message];
  for (let times = 0; times < 2; times++) await expect(run(batch)).rejects.toThrow('1 of 3 messages');
  expect(letters()).toEqual(['alike', 'alike']);
});

test('no event goes before an earlier one of its user that failed, and others wait for neither', async () => {
  const [first, second, other] = [eventOf('user-1'), eventOf('user-1'), eventOf('user-2')];
  const batch = [first.message, second.message, other.message];
  throttle(first.id);
  await expect(run(batch)).rejects.toThrow('2 of 3 messages');
  expect(new Set(published())).toEqual(new Set([first.id, other.id]));
  bus.state.trouble = {};
  bus.requests.length = 0;
  expect(await run(batch)).toEqual({ taken: 3 });
  expect(published()).toEqual([first.id, second.id]);
});

test('while the store is away the batch is taken back whole, and nothing of it is parked', async () => {
  const away = adapter({
    port: 'store',
    open: () => {
      const fail = async (): Promise<never> => {
        throw new AppError('unavailable');
      };
      return { port: { get: fail, getMany: fail, transact: fail, ping: fail } as any };
    },
  });
  const handler = lambdaToEventBridge(() => [systemClock, randomIds, secrets, away]);
  await expect(run([message('no JSON'), eventOf('user-1').message], handler)).rejects.toThrow('2 of 2 messages');
  expect([letters(), published()]).toEqual([[], []]);
});
