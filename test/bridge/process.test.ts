/** The bridge as a process, between a real RabbitMQ and doubles of EventBridge and SQS over the real SDK. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsumeMessage } from 'amqplib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { sightingId, sightings } from '../../functions/bridge/records.ts';
import { schema } from '../../functions/index.ts';
import { loadConfig } from '../../shared/config/config.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { TO_EVENTBRIDGE } from '../../shared/messaging/bridge/carrying.ts';
import { linesOf, reconcile } from '../../shared/messaging/bridge/reconcile.ts';
import type { AnyEnvelope } from '../../shared/messaging/envelope.ts';
import { propertiesOf } from '../../shared/messaging/rabbitmq/message.ts';
import { remove } from '../../shared/ports/store.ts';
import { type Bridge, startBridge } from '../../shared/process/bridge.ts';
import { sqliteStore } from '../../shared/store/sqlite/adapter.ts';
import { empty, envelope, observer, rabbitRig, until } from '../messaging/rabbitmq/rig.ts';
import { probePlatform, seenBy } from '../messaging/rig.ts';
import { TEST_SECRET } from '../support/platform.ts';
import { BUS, CONSUMER, DEAD_QUEUE, QUEUE, type Sides, startSides } from './rig.ts';

const KEY = 'user.events.login';
const DEAD = 'perfect21.dead';
const PROBE = 'probe.user_events';

describe('the bridge between RabbitMQ and EventBridge', () => {
  let sides: Sides;
  let folder: string;
  let seen: Awaited<ReturnType<typeof observer>>;
  let bridge: Bridge | undefined;

  const config = () =>
    loadConfig({
      PERFECT21_DATA_DIR: folder,
      PERFECT21_SECRET: TEST_SECRET,
      PERFECT21_METRICS_PORT: '0',
      LOG_LEVEL: 'silent',
      BUS_URL: sides.rabbit.url,
      BRIDGE_URL: `eventbridge://${BUS}/${QUEUE}`,
    });
  const start = async (options: Parameters<typeof startBridge>[1] = {}) => {
    bridge = await startBridge(config(), { grace_ms: 100, wait_s: 1, ...options });
    await until(() => bridge!.connected(), 'both sides');
    return bridge;
  };
  const publish = (event: AnyEnvelope, key = KEY, priority = 0) =>
    seen.channel.publish(
      'perfect21.events',
      key,
      Buffer.from(JSON.stringify(event)),
      propertiesOf(event, key, priority),
    );
  const entries = (id: string) =>
    sides.eventBridge.requests.flat().filter(({ Detail }) => JSON.parse(Detail).message_id === id);
  const onRabbit = async (id: string) => {
    const found: ConsumeMessage['properties'][] = [];
    for (const { content, properties } of await empty(seen.channel, PROBE)) {
      if (JSON.parse(content.toString()).message_id === id) found.push(properties);
    }
    return found;
  };
  const waits = async (queue: string) => (await seen.channel.checkQueue(queue)).messageCount;
  const idle = () =>
    until(
      async () => (await waits(TO_EVENTBRIDGE)) === 0 && sides.sqs.waiting(QUEUE).length === 0,
      'both queues of the bridge to be empty',
    );

  beforeAll(async () => {
    sides = await startSides();
    for (const [name, value] of Object.entries(sides.environment)) vi.stubEnv(name, value);
  }, 120_000);
  afterAll(async () => {
    await sides?.close();
    vi.unstubAllEnvs();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'perfect21-bridge-'));
    sides.eventBridge.state.trouble = {};
    sides.eventBridge.requests.length = 0;
    await start();
    seen = await observer(sides.rabbit.url);
    await seen.channel.assertQueue(PROBE, { durable: true });
    await seen.channel.bindQueue(PROBE, 'perfect21.events', 'user.events.*');
    await empty(seen.channel, PROBE);
    await empty(seen.channel, DEAD);
  });
  afterEach(async () => {
    await bridge?.stop();
    await seen.close().catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  });

  test('carries an event of RabbitMQ to the consumers behind EventBridge, once, and not back', async () => {
    const event = envelope({ user_id: 'user-1', metadata: { version: 1, traceparent: undefined } });
    publish(event, KEY, 7);
    await until(() => entries(event.message_id).length === 1, 'the entry');
    await idle();
    const [entry] = entries(event.message_id);
    const { routing, ...carried } = JSON.parse(entry!.Detail);
    expect(carried).toEqual({ ...event, metadata: { version: 1, origin: 'rabbitmq', hops: 1 } });
    expect(routing).toMatchObject({ key: KEY, priority: 7 });
    const delivered = () => sides.sqs.waiting(CONSUMER).filter((body) => body.includes(event.message_id));
    await until(() => delivered().length > 0, 'its way into the queue');
    expect(delivered()).toHaveLength(1);
    // RabbitMQ's own consumer has it from the publisher alone
    expect(await onRabbit(event.message_id)).toHaveLength(1);
    expect(await waits(DEAD)).toBe(0);
  });

  test('carries an event of EventBridge to RabbitMQ with its key, priority and headers, and not back', async () => {
    const event = envelope({ user_id: 'user-2', correlation_id: 'request-2' });
    await sides.putEvent(event, KEY, 9);
    await until(async () => (await waits(PROBE)) > 0, 'the message');
    await idle();
    const found = await onRabbit(event.message_id);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      messageId: event.message_id,
      priority: 9,
      deliveryMode: 2,
      headers: { user_id: 'user-2', correlation_id: 'request-2', message_type: event.message_type },
    });
    expect(entries(event.message_id)).toEqual([]);
  });

  test('publishes a redelivered message of either side not again', async () => {
    const [there, here] = [envelope(), envelope()];
    for (let times = 0; times < 3; times++) {
      publish(there);
      await sides.putEvent(here, KEY);
      await idle();
    }
    expect(entries(there.message_id)).toHaveLength(1);
    expect(await onRabbit(here.message_id)).toHaveLength(1);
  });

  test('doubles no effect when it publishes an event again, as after an end between confirm and note', async () => {
    const rig = await rabbitRig(sides.rabbit.url, probePlatform());
    try {
      await until(() => rig.broker.connected(), 'the consumer');
      const worker = rig.start();
      const event = envelope({ data: { text: 'once' } });
      const { store } = bridge!.host.ports;
      for (let times = 0; times < 3; times++) {
        await sides.putEvent(event, 'probe.events.noted');
        await idle();
        const note = await store.get(sightings, sightingId(event.message_id, 'eventbridge'));
        await store.transact([remove(sightings, note!)]);
      }
      await worker.drain();
      expect(await seenBy(rig.store)).toEqual(['once']);
      // it did come three times
      const handledHere = [...rig.counts].filter(([name]) => /queue_messages_total .*result=done/.test(name));
      expect(handledHere.map(([, count]) => count)).toEqual([3]);
    } finally {
      await rig.close();
    }
  });

  test('says that both sides are whole, and finds what one of them lost', async () => {
    const all = Array.from({ length: 12 }, () => envelope());
    for (const [i, event] of all.entries()) {
      if (i % 2) publish(event);
      else await sides.putEvent(event, KEY);
    }
    const store = bridge!.host.ports.store;
    const period = { from: Date.now() - 60_000, to: Date.now() + 60_000, now: Date.now() + 3_600_000 };
    const look = () => reconcile(store, period);
    await until(async () => {
      const { seen, missing } = await look();
      return seen.rabbitmq === 12 && seen.eventbridge === 12 && missing.length === 0;
    }, 'twelve on each side');
    // EventBridge confirms an event and brings it nowhere
    const lost = envelope();
    sides.eventBridge.state.trouble = { loses: ({ Detail }) => Detail.includes(lost.message_id) };
    publish(lost);
    await until(async () => (await look()).missing.length === 1, 'the missing one');
    expect((await look()).missing).toMatchObject([
      { message_id: lost.message_id, seen_on: 'rabbitmq', missing_on: 'eventbridge', routing_key: KEY },
    ]);
    expect(linesOf(await look())).toHaveLength(3);
    expect(await reconcile(store, { ...period, now: Date.now() })).toMatchObject({ missing: [], under_way: 1 });
  });

  test('keeps what comes while EventBridge is away, counts no tries, and carries it at its return', async () => {
    sides.eventBridge.state.trouble = { call: { status: 500, type: 'InternalException' } };
    const all = Array.from({ length: 5 }, () => envelope());
    for (const event of all) publish(event);
    await until(() => sides.eventBridge.requests.length > 0, 'a try');
    expect(await waits(DEAD)).toBe(0);
    sides.eventBridge.state.trouble = {};
    sides.eventBridge.requests.length = 0;
    await until(() => all.every(({ message_id }) => entries(message_id).length >= 1), 'all of them', 30_000);
    await idle();
    expect(await waits(DEAD)).toBe(0);
  }, 60_000);

  test('keeps what comes while the store is away, counts no tries, and carries it at its return', async () => {
    await bridge!.stop();
    const whole = sqliteStore(schema);
    const state = { away: false, asked: 0 };
    const ask = async <T>(call: () => Promise<T>): Promise<T> => {
      if (!state.away) return call();
      state.asked++;
      throw new AppError('unavailable');
    };
    const switched: typeof whole = {
      ...whole,
      open: async (...given) => {
        const { port, close } = await whole.open(...given);
        const { get, transact, ping } = port;
        const own = {
          ...port,
          get: (...of: Parameters<typeof get>) => ask(() => get(...of)),
          transact: (...of: Parameters<typeof transact>) => ask(() => transact(...of)),
          ping: () => ask(ping),
        };
        return { port: own as typeof port, ...(close && { close }) };
      },
    };
    await start({ replace: [switched] });
    state.away = true;
    const there = Array.from({ length: 5 }, () => envelope());
    for (const event of there) publish(event);
    await until(() => !bridge!.connected() && state.asked > 5, 'the loss');
    const here = Array.from({ length: 5 }, () => envelope());
    for (const event of here) await sides.putEvent(event, KEY);
    await until(() => state.asked > 15, 'more tries');
    expect(await waits('perfect21.retry.1000')).toBe(0);
    // at most a question that was under way when the store went
    const tries = (sides.sqs.inspect(QUEUE).ready as any[]).map(
      ({ approximateReceiveCount }) => approximateReceiveCount,
    );
    expect(Math.max(...tries)).toBeLessThanOrEqual(1);

    state.away = false;
    await until(() => there.every(({ message_id }) => entries(message_id).length === 1), 'all on EventBridge', 30_000);
    const got = new Set<string>();
    await until(
      async () => {
        for (const { properties } of await empty(seen.channel, PROBE)) got.add(properties.messageId);
        return here.every(({ message_id }) => got.has(message_id));
      },
      'all on RabbitMQ',
      30_000,
    );
    expect(bridge!.connected()).toBe(true);
    const text = await (await fetch(`http://127.0.0.1:${bridge!.metrics.port}/metrics`)).text();
    expect(text).not.toContain('perfect21_bridge_messages_total{side="rabbitmq",result="failed"}');
    expect([await waits(DEAD), sides.sqs.waiting(DEAD_QUEUE)]).toEqual([0, []]);
  }, 90_000);

  test('keeps what comes while RabbitMQ is away, and carries it at its return', async () => {
    await sides.rabbit.stop();
    await until(() => !bridge!.connected(), 'the loss');
    const probe = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${bridge!.metrics.port}${path}`);
      return [answer.status, await answer.text()] as const;
    };
    const states = async () =>
      JSON.parse((await probe('/status/data.json'))[1]).engines.map(({ state }: { state: string }) => state);
    expect(await probe('/readyz')).toEqual([503, '{"status":"unavailable"}']);
    expect(await states()).toEqual(['degraded', 'ok', 'ok']);
    expect(await probe('/healthz')).toEqual([200, '{"status":"ok"}']);
    const all = Array.from({ length: 5 }, () => envelope());
    for (const event of all) await sides.putEvent(event, KEY);
    await sides.rabbit.start();
    seen = await observer(sides.rabbit.url);
    const got = new Set<string>();
    await until(
      async () => {
        for (const { properties } of await empty(seen.channel, PROBE)) got.add(properties.messageId);
        return all.every(({ message_id }) => got.has(message_id));
      },
      'all of them',
      40_000,
    );
    await until(() => bridge!.connected(), 'both sides again');
    expect(await probe('/readyz')).toEqual([200, '{"status":"ok"}']);
    expect(await states()).toEqual(['ok', 'ok', 'ok']);
    // an event is counted when it is acknowledged, which is after it has arrived
    const carried = /^perfect21_bridge_messages_total\{side="eventbridge",result="carried"\} 5$/m;
    await until(async () => carried.test((await probe('/metrics'))[1]), 'the count');
    expect(sides.sqs.waiting(DEAD_QUEUE)).toEqual([]);
  }, 90_000);

  test('loses nothing when it ends before it has acknowledged, and what it repeats is the same event', async () => {
    // the other side took it, and the bridge never learnt
    let tries = 0;
    const fail = (): string => {
      tries++;
      return 'InternalFailure';
    };
    sides.eventBridge.state.trouble = { entry: fail };
    const event = envelope();
    publish(event);
    await until(() => tries > 0, 'a try');
    await bridge!.stop();
    // in the queue itself, or on its way back to it
    expect((await waits(TO_EVENTBRIDGE)) + (await waits('perfect21.retry.1000'))).toBe(1);
    sides.eventBridge.state.trouble = {};
    await start();
    await until(() => sides.sqs.waiting(CONSUMER).some((body) => body.includes(event.message_id)), 'the event');
    await idle();
    expect(new Set(entries(event.message_id).map(({ Detail }) => Detail)).size).toBe(1);
  }, 40_000);

  test('parks what is no event in the dead letters of the side that it came from, with the reason', async () => {
    seen.channel.publish('perfect21.events', KEY, Buffer.from('{"not":"an event"}'));
    await until(async () => (await waits(DEAD)) === 1, 'the dead letter');
    const [letter] = await empty(seen.channel, DEAD);
    expect(letter!.properties.headers).toMatchObject({
      'x-perfect21-reason': 'invalid envelope',
      'x-perfect21-from': TO_EVENTBRIDGE,
    });

    const before = sides.sqs.waiting(DEAD_QUEUE).length;
    await sides.sqs.send(QUEUE, 'no JSON');
    await until(() => sides.sqs.waiting(DEAD_QUEUE).length === before + 1, 'the other dead letter');
    const [other] = sides.sqs.inspect(DEAD_QUEUE).ready as any[];
    expect(other.body).toBe('no JSON');
    expect(other.messageAttributes.reason.StringValue).toBe('not JSON');
    await idle();
  });

  test('parks what the other side refuses, says so when both are compared, and carries it after a replay', async () => {
    const event = envelope();
    sides.eventBridge.state.trouble = { entry: () => 'MalformedDetail' };
    publish(event);
    await until(async () => (await waits(DEAD)) === 1, 'the dead letter');
    const period = { from: Date.now() - 60_000, to: Date.now() + 60_000, now: Date.now() };
    const store = bridge!.host.ports.store;
    expect((await reconcile(store, period)).missing).toMatchObject([
      { message_id: event.message_id, reason: expect.stringContaining('MalformedDetail') },
    ]);
    const [letter] = await empty(seen.channel, DEAD);
    expect(letter!.properties.headers!['x-perfect21-reason']).toContain('MalformedDetail');
    sides.eventBridge.state.trouble = {};
    publish(event);
    await until(async () => (await reconcile(store, { ...period, to: Date.now() + 1 })).missing.length === 0, 'peace');
  });

  test('loses nothing when its process is killed again and again, and doubles no effect', async () => {
    await bridge!.stop();
    bridge = undefined;
    const env = {
      ...process.env,
      ...sides.environment,
      PERFECT21_DATA_DIR: folder,
      PERFECT21_SECRET: TEST_SECRET,
      PERFECT21_METRICS_PORT: '0',
      LOG_LEVEL: 'silent',
      BUS_URL: sides.rabbit.url,
      BRIDGE_URL: `eventbridge://${BUS}/${QUEUE}`,
    };
    const program = join(import.meta.dirname, '../../infra/local/bridge.ts');
    const there = Array.from({ length: 60 }, () => envelope());
    const here = Array.from({ length: 60 }, () => envelope());
    const onOtherSide = new Set<string>();
    const effects = new Set<string>();
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      for (const event of there.slice(round * 15, round * 15 + 15)) publish(event);
      for (const event of here.slice(round * 15, round * 15 + 15)) await sides.putEvent(event, KEY);
      if (round < 3) {
        const before = sides.eventBridge.requests.length;
        await until(() => sides.eventBridge.requests.length > before, 'work');
        child.kill('SIGKILL');
        await once(child, 'exit');
        continue;
      }
      const carried = () => new Set(sides.sqs.waiting(CONSUMER).map((body) => JSON.parse(body).detail.message_id));
      await until(() => there.every(({ message_id }) => carried().has(message_id)), 'all on EventBridge', 40_000);
      await until(
        async () => {
          for (const { properties } of await empty(seen.channel, PROBE)) onOtherSide.add(properties.messageId);
          return here.every(({ message_id }) => onOtherSide.has(message_id));
        },
        'all on RabbitMQ',
        40_000,
      );
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    // repeated events have the message_id by which consumers know them, and go round no further
    for (const body of sides.sqs.waiting(CONSUMER)) effects.add(JSON.parse(body).detail.message_id);
    for (const { message_id } of here) expect(entries(message_id)).toEqual([]);
    for (const { message_id } of there) expect(effects.has(message_id)).toBe(true);
    expect(await waits(DEAD)).toBe(0);
    expect(sides.sqs.waiting(DEAD_QUEUE).filter((body) => body !== 'no JSON')).toEqual([]);
  }, 120_000);

  test('carries no event further that a bridge brought, however it says so', async () => {
    const all = [1, 2, '1', 'x', -1].map((hops) => envelope({ metadata: { hops } }));
    for (const event of all) publish(event);
    await idle();
    for (const { message_id } of all) expect(entries(message_id)).toEqual([]);
  });
});
