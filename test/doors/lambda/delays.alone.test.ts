/** Events with a delay in AWS: the relay's function, SQS's own delays and one-time schedules, over the real SDK. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { schema } from '../../../functions/lambda/schema.ts';
import { loadConfig } from '../../../shared/config/config.ts';
import { lambdaRelay } from '../../../shared/doors/lambda/relay.ts';
import { secrets } from '../../../shared/keys/secrets.ts';
import { Assembly, adapter } from '../../../shared/kit/adapter.ts';
import { OUTBOX } from '../../../shared/kit/event.ts';
import { compileBindings } from '../../../shared/messaging/eventbridge/pattern.ts';
import type { Store } from '../../../shared/ports/store.ts';
import { sqliteStore } from '../../../shared/store/sqlite/adapter.ts';
import { SqliteMessages } from '../../../shared/store/sqlite/messages.ts';
import { randomIds } from '../../../shared/system/ids.ts';
import { jsonLog } from '../../../shared/system/log.ts';
import { settings } from '../../../shared/system/settings.ts';
import { startEventBridge } from '../../engines/eventbridge.ts';
import { startScheduler } from '../../engines/scheduler.ts';
import { startSqs } from '../../engines/sqs.ts';
import { TestClock, temporaryFolder } from '../../messaging/rig.ts';
import { awsEnvironment, stubEnvironment } from '../../support/aws.ts';
import { TEST_SECRET } from '../../support/platform.ts';
import { lambdaContext } from './support.ts';

vi.hoisted(() => {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
});

const DUE = 'due';
const MINUTE = 60_000;

describe('an event with a delay in AWS', () => {
  const clock = new TestClock();
  const time = adapter({ port: 'clock', open: () => ({ port: clock }) });
  const relay = lambdaRelay(() => [time, randomIds, secrets, settings, sqliteStore(schema)]);
  let sqs: Awaited<ReturnType<typeof startSqs>>;
  let bus: Awaited<ReturnType<typeof startEventBridge>>;
  let scheduler: Awaited<ReturnType<typeof startScheduler>>;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let assembly: Assembly;
  let store: Store;
  let count = 0;

  const arrived: string[] = [];
  /** Commits an event of which the stream tells later. */
  const put = async (delay_ms: number): Promise<string> => {
    const id = `event-${++count}`;
    const envelope = {
      message_id: id,
      message_type: 'probe.noted',
      timestamp: '2026-05-09T12:00:00.000Z',
      source_service: 'probe',
      data: {},
    };
    const body = { envelope, routing_key: 'probe.noted', priority: 0 };
    await store.transact([], { enqueue: [{ queue: OUTBOX, id, available_at: clock.now() + delay_ms, body }] });
    return id;
  };
  /** Calls the relay as the stream does. */
  const tell = async (id: string): Promise<void> => {
    const Keys = { queue: { S: OUTBOX }, id: { S: id } };
    await relay({ Records: [{ eventName: 'INSERT', dynamodb: { Keys } }] }, lambdaContext(60_000));
  };
  const commit = async (delay_ms: number): Promise<string> => {
    const id = await put(delay_ms);
    await tell(id);
    return id;
  };
  const delays = () => (sqs.inspect(DUE).delayed as any[]).map((each) => each.delayUntil ?? each);
  /** Rings what waits in the queue, as SQS would when its time has come. */
  const ring = (body: string) => relay({ Records: [{ eventSource: 'aws:sqs', body }] }, lambdaContext(60_000));

  beforeAll(async () => {
    folder = await temporaryFolder();
    sqs = await startSqs({ [DUE]: { Type: 'AWS::SQS::Queue', Properties: {} } });
    bus = await startEventBridge({
      bus: 'perfect21-events',
      rules: [{ pattern: compileBindings(['#']), target: 'all' }],
      deliver: async (_, body) => void arrived.push(JSON.parse(body).detail.message_id),
    });
    scheduler = await startScheduler({ groups: ['group'], deliver: async (_, input) => void (await ring(input)) });
    const environment = {
      STORE_URL: `sqlite:${folder.path}/relay.db`,
      PERFECT21_SECRET: TEST_SECRET,
      BUS_URL: 'eventbridge://perfect21-events',
      POWERTOOLS_METRICS_DISABLED: 'true',
      DUE_QUEUE_URL: sqs.url(DUE),
      DUE_QUEUE_ARN: 'arn:aws:sqs:eu-central-1:000000000000:due',
      DUE_ROLE_ARN: 'arn:aws:iam::000000000000:role/due',
      DUE_GROUP: 'group',
      ...awsEnvironment({ EVENTBRIDGE: bus.endpoint, SQS: sqs.endpoint, SCHEDULER: scheduler.endpoint }),
    };
    stubEnvironment(environment);
    assembly = new Assembly([time, randomIds, jsonLog, secrets, sqliteStore(schema)], loadConfig(process.env));
    store = await assembly.get('store');
  });
  afterAll(async () => {
    await assembly?.close();
    await Promise.all([sqs?.close(), bus?.close(), scheduler?.close()]);
    await folder?.remove();
    vi.unstubAllEnvs();
  });
  beforeEach(() => {
    arrived.length = 0;
  });

  test('of none sets no alarm', async () => {
    const id = await commit(0);
    expect([arrived, sqs.waiting(DUE), scheduler.waiting()]).toEqual([[id], [], []]);
  });

  test('of up to fifteen minutes waits for a message of SQS that comes when it is due, and not before', async () => {
    const before = sqs.waiting(DUE).length;
    const id = await commit(900_000);
    expect(sqs.waiting(DUE)).toHaveLength(before + 1);
    expect(delays()).toHaveLength(before + 1);
    expect(scheduler.waiting()).toEqual([]);
    await ring('{}');
    expect(arrived).toEqual([]);
    clock.pass(900_000);
    await ring('{}');
    expect(arrived).toEqual([id]);
  });

  test('is not forgotten when the same call relays another one', async () => {
    const before = sqs.waiting(DUE).length;
    const other = await put(0);
    const id = await commit(60_000);
    expect(arrived).toEqual([other]);
    expect(sqs.waiting(DUE)).toHaveLength(before + 1);
    clock.pass(60_000);
    await ring('{}');
    expect(arrived).toEqual([other, id]);
  });

  test('is not looked for when the stream tells of what was relayed already', async () => {
    const looks = vi.spyOn(SqliteMessages.prototype, 'peek');
    const ids = [await put(0), await put(0)];
    for (const id of ids) await tell(id);
    expect([arrived, looks.mock.calls]).toEqual([ids, []]);
    looks.mockRestore();
  });

  test('of more is scheduled, once for its minute, and set to the second when the schedule rings', async () => {
    const due = Math.ceil((clock.now() + 3_600_000) / MINUTE) * MINUTE + 20_000;
    const ids = [await commit(due - clock.now()), await commit(due - clock.now() + 10_000)];
    const [schedule, ...others] = scheduler.waiting();
    expect(others).toEqual([]);
    expect(schedule).toMatchObject({ group: 'group', target: 'arn:aws:sqs:eu-central-1:000000000000:due' });
    expect(schedule!.at).toBe(due - 20_000 - MINUTE);

    const before = sqs.waiting(DUE).length;
    clock.pass(schedule!.at - clock.now());
    await scheduler.pass(clock.now());
    expect([scheduler.waiting(), arrived]).toEqual([[], []]);
    expect(sqs.waiting(DUE)).toHaveLength(before + 2);
    clock.pass(80_000);
    await ring('{}');
    expect(arrived).toEqual([ids[0]]);
    clock.pass(10_000);
    await ring('{}');
    expect(arrived).toEqual(ids);
  });

  test('is found by the schedule of each minute when no alarm could be set', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_SQS', 'http://127.0.0.1:9');
    const deaf = lambdaRelay(() => [time, randomIds, secrets, settings, sqliteStore(schema)]);
    const body = { envelope: 'none', routing_key: 'a', priority: 0 };
    await store.transact([], { enqueue: [{ queue: OUTBOX, id: 'late', available_at: clock.now() + 5_000, body }] });
    const Keys = { queue: { S: OUTBOX }, id: { S: 'late' } };
    expect(await deaf({ Records: [{ dynamodb: { Keys } }] }, lambdaContext(60_000))).toEqual({ relayed: 0 });
    clock.pass(5_000);
    const scheduled = { 'detail-type': 'Scheduled Event', source: 'aws.events' };
    expect(await deaf(scheduled, lambdaContext(60_000))).toEqual({ relayed: 1 });
  });
});
