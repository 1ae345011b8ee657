import { describe, expect, test } from 'vitest';
import { QueuedChannel } from '../../shared/delivery/realtime/channel.ts';
import { toOutboxRow } from '../../shared/kit/bound-store.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { startOperationSpan, traced } from '../../shared/kit/operation-span.ts';
import { sending, withSpans } from '../../shared/kit/sending-spans.ts';
import { continueTrace, readTraceparent, traceparent } from '../../shared/kit/trace.ts';
import { carrying } from '../../shared/messaging/bridge/carrying.ts';
import { readOutboxBody } from '../../shared/messaging/bus.ts';
import { DEAD } from '../../shared/messaging/dead-letters.ts';
import { gaugeQueue, type Held, heldBy, observeAge } from '../../shared/messaging/measures.ts';
import { producing } from '../../shared/messaging/producing.ts';
import type { OutboxBody } from '../../shared/ports/envelope.ts';
import type { Ports } from '../../shared/ports/index.ts';
import type { Frame } from '../../shared/ports/realtime.ts';
import type { Claimed } from '../../shared/ports/store.ts';
import type { SpanAttributes, Trace, Tracer } from '../../shared/ports/tracer.ts';
import { context, noted } from '../messaging/rig.ts';

const NOW = Date.parse('2026-05-09T12:00:00Z');
const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7';

/** Remembers what it was asked to record. */
const recorder = () => {
  const spans: { name: string; attributes?: SpanAttributes; parent?: string; error?: string; failed?: boolean }[] = [];
  const tracer: Tracer = {
    system: { store: 'sqlite', bus: 'perfect21' },
    start: (name, _kind, parent, attributes) => {
      const above = typeof parent === 'string' ? parent : parent && traceparent(parent);
      const trace = continueTrace(above);
      const span: (typeof spans)[number] = { name, attributes, parent: above };
      spans.push(span);
      return {
        trace: { ...trace, ...(trace.sampled && { tracer }) },
        set: () => {},
        end: (error, failed = true) =>
          Object.assign(span, { error, failed: error !== undefined && failed, ended: true }),
      };
    },
  };
  return { spans, tracer };
};

const observed = () => {
  const seen: [string, object, number][] = [];
  const keep = (name: string, labels: object, value: number): void => void seen.push([name, labels, value]);
  return { seen, metrics: { count: () => {}, observe: keep, gauge: keep } };
};

const row = (id: string, parent?: string): Claimed => ({
  queue: 'outbox',
  id,
  priority: 0,
  available_at: NOW,
  attempts: 1,
  claim: 'c',
  body: {
    routing_key: 'user.events.registered',
    priority: 0,
    envelope: {
      message_id: id,
      message_type: 'user.registered',
      timestamp: new Date(NOW).toISOString(),
      source_service: 'user-service',
      data: { email: 'ada@example.net' },
      ...(parent && { metadata: { version: 1, traceparent: parent } }),
    },
  },
});

describe('rows on their way to the bus', () => {
  test('carry the span that sends them, while the outbox keeps what was committed', () => {
    const { spans, tracer } = recorder();
    const rows = [row('a', `${PARENT}-01`), row('b')];
    const before = structuredClone(rows);
    const sending = producing(tracer, rows);
    expect(rows).toEqual(before);
    const [a, b] = sending.rows.map(({ body }) => readOutboxBody(body)!.envelope);
    expect(a!.metadata).toMatchObject({ version: 1, traceparent: expect.stringMatching(`^${PARENT.slice(0, 36)}`) });
    expect(a!.metadata!.traceparent).not.toBe(`${PARENT}-01`);
    expect(b).toEqual(readOutboxBody(rows[1]!.body)!.envelope);
    expect(spans).toMatchObject([{ name: 'send perfect21.events', parent: `${PARENT}-01` }]);
    expect(JSON.stringify(spans)).not.toContain('ada@');
  });

  test('stay as they are where their trace is not sampled, or where they are no events', () => {
    const { tracer } = recorder();
    const rows = [row('a', `${PARENT}-00`), { ...row('b'), body: 'nonsense' }, { ...row('c'), body: undefined }];
    const sending = producing(tracer, rows);
    expect(sending.rows).toEqual(rows);
    sending.end([]);
  });

  test('say what became of them', () => {
    const { spans, tracer } = recorder();
    const sending = producing(
      tracer,
      ['a', 'b', 'c', 'd'].map((id) => row(id, `${PARENT}-01`)),
    );
    sending.end([
      { kind: 'published' },
      { kind: 'refused', reason: 'too large' },
      { kind: 'failed', error: new Error('away') },
    ]);
    expect(spans.map(({ error }) => error)).toEqual([undefined, 'refused', 'failed', 'failed']);
  });
});

describe('ports that send', () => {
  const trace = (tracer: Tracer) => ({ ...continueTrace(`${PARENT}-01`), tracer });

  test('are spans that say which way it went, never to whom', async () => {
    const { spans, tracer } = recorder();
    const sent: unknown[] = [];
    const ports = { clock: {}, mailer: { send: async (...all: unknown[]) => void sent.push(...all) } };
    const { mailer, clock } = withSpans(ports, trace(tracer)) as typeof ports;
    const heard = () => {};
    await mailer.send({ to: 'ada@example.net' }, heard);
    expect(sent).toEqual([{ to: 'ada@example.net' }, heard]);
    expect(clock).toBe(ports.clock);
    expect(spans).toMatchObject([{ name: 'send email', attributes: { 'perfect21.channel': 'email' } }]);
    expect(JSON.stringify(spans)).not.toContain('ada');
  });

  test('end their spans with the failure of the sending, and fail as before', async () => {
    const { spans, tracer } = recorder();
    const ports = { sms: { send: async () => Promise.reject(new AppError('unavailable')) } };
    const { sms } = withSpans(ports, trace(tracer)) as typeof ports;
    await expect(sms.send()).rejects.toMatchObject({ code: 'unavailable' });
    expect(spans).toMatchObject([{ name: 'send sms', error: 'unavailable', failed: true }]);
  });

  test('are told from those that do not, which stay what they are', () => {
    expect(sending({ clock: {} })).toBe(false);
    expect(sending({ clock: {}, mailer: {} })).toBe(true);
  });
});

describe('the age of an event', () => {
  const clock = { now: () => NOW };
  const ageOf = (change: { timestamp?: string; not_before?: unknown }, attempts = 1) => {
    const { seen, metrics } = observed();
    const { timestamp = new Date(NOW - 2_500).toISOString(), not_before } = change;
    const frame = { message_id: 'm', message_type: 'x', source_service: 's', data: {} };
    const envelope = { ...frame, timestamp, metadata: { ...(not_before !== undefined && { not_before }) } };
    observeAge({ metrics, clock }, 'q', envelope, attempts);
    return seen.map(([name, labels, value]) => {
      expect([name, labels]).toEqual(['perfect21_event_age_seconds', { queue: 'q' }]);
      // found by identity
      expect(Object.isFrozen(labels)).toBe(true);
      return value;
    });
  };

  test('is the time since its commit, and never negative', () => {
    expect(ageOf({})).toEqual([2.5]);
    expect(ageOf({ timestamp: new Date(NOW + 60_000).toISOString() })).toEqual([0]);
  });

  test('does not count the delay that was asked for', () => {
    const ports = { clock: { now: () => NOW - 60_000 }, ids: { uuid: () => 'm' } } as any;
    const event = noted.with({ text: 'x' }, { delay_ms: 59_000 });
    const { body } = toOutboxRow(event, ports, { service: 's', context: context() });
    const { metadata, timestamp } = readOutboxBody(body)!.envelope;
    expect(ageOf({ timestamp, not_before: metadata!.not_before })).toEqual([1]);
    expect(ageOf({ not_before: 'nonsense' })).toEqual([]);
    expect(ageOf({ not_before: 17 })).toEqual([2.5]);
  });

  test('is told of the first try alone', () => {
    expect(ageOf({}, 2)).toEqual([]);
  });
});

describe('a queue is gauged', () => {
  const depth = 'perfect21_queue_depth';
  const age = 'perfect21_queue_oldest_age_seconds';
  const gauged = async (queue: string, held?: Held, oldest_at?: number) => {
    const { seen, metrics } = observed();
    const store = { messages: { depth: async () => ({ count: 2, oldest_at }) } } as any;
    await gaugeQueue({ store, metrics, clock: { now: () => NOW } }, queue, held);
    return Object.fromEntries(seen.map(([name, , value]) => [name, value]));
  };

  test('with what a broker holds of it, and by the older of the two', async () => {
    expect(await gauged('q', { count: 5, oldest_at: NOW - 1_000 }, NOW - 3_000)).toEqual({ [depth]: 7, [age]: 3 });
    expect(await gauged('q', { count: 5, oldest_at: NOW - 9_000 }, NOW - 3_000)).toEqual({ [depth]: 7, [age]: 9 });
    expect(await gauged('q', undefined, NOW - 3_000)).toEqual({ [depth]: 2, [age]: 3 });
  });

  test('without an age where nobody knows it', async () => {
    expect(await gauged('q', { count: 5 })).toEqual({ [depth]: 7 });
  });

  test('by when this process saw the dead letters come, where a broker shows none', async () => {
    let now = NOW;
    const waits = [0, 1, 3, 0, 1];
    const broker = { depth: async () => waits.shift(), oldestLetter: async () => undefined };
    const held = heldBy(broker, { now: () => now });
    const since = async () => (await held(DEAD)).oldest_at;
    expect(await since()).toBe(NOW);
    now += 5_000;
    expect(await since()).toBe(NOW + 5_000);
    now += 5_000;
    expect(await since()).toBe(NOW + 5_000);
    expect(await since()).toBe(NOW + 10_000);
    now += 5_000;
    expect(await since()).toBe(NOW + 15_000);
  });
});

describe('an event that the bridge carries', () => {
  const envelope = (row('m1', `${PARENT}-01`).body as { envelope: object }).envelope;
  const body = { envelope, routing_key: 'user.events.registered', priority: 0 };
  const through = async (tracer: Tracer | undefined, publish = async () => {}) => {
    const carried: OutboxBody[] = [];
    const crossing = {
      publish: async (_: string, event: OutboxBody) => {
        carried.push(event);
        await publish();
      },
    };
    const store = { get: async () => undefined, transact: async () => {} };
    const ports = {
      ...observed(),
      log: { warn: () => {}, error: () => {} },
      clock: { now: () => NOW },
      ids: {},
      crossing,
      store,
      tracer,
    };
    const host = { ports: ports as unknown as Ports, call: async () => undefined };
    const verdict = await carrying('rabbitmq')(host, { body, attempts: 2 }, NOW + 1_000);
    return { carried, verdict };
  };

  test('continues on the other side below the span of the carrying', async () => {
    const { spans, tracer } = recorder();
    const { carried, verdict } = await through(tracer);
    expect(verdict).toEqual({ kind: 'done' });
    const [span] = spans;
    expect(span).toMatchObject({ name: 'process bridge.to_eventbridge', parent: `${PARENT}-01`, ended: true });
    expect(spans[1]).toMatchObject({ name: 'bridge.carry' });
    const { traceparent: on } = carried[0]!.envelope.metadata!;
    expect(on).not.toBe(`${PARENT}-01`);
    expect(readTraceparent(on)?.trace_id).toBe(PARENT.slice(3, 35));
  });

  test('stays as it is where nothing is traced, and a failure ends the span with its code', async () => {
    const plain = await through(undefined);
    expect(plain.carried[0]!.envelope.metadata!.traceparent).toBe(`${PARENT}-01`);
    const { spans, tracer } = recorder();
    const failed = await through(tracer, () => Promise.reject(new AppError('unavailable')));
    expect(failed.verdict.kind).toBe('retry');
    expect(spans[0]).toMatchObject({ error: 'unavailable', failed: true });
  });
});

describe('a helper that is traced', () => {
  const double = traced('tests.double', async ({ trace }: { trace: Trace }, number: number) => {
    if (number < 0) throw new AppError('invalid_request', { detail: 'the secret is swordfish' });
    return { doubled: number * 2, trace };
  });

  test('is a span of the call that it serves, and hands its own on', async () => {
    const { spans, tracer } = recorder();
    const above = { ...continueTrace(`${PARENT}-01`), tracer };
    const { doubled, trace } = await double({ trace: above }, 21);
    expect(doubled).toBe(42);
    expect(spans).toEqual([
      expect.objectContaining({
        name: 'tests.double',
        parent: traceparent(above),
        attributes: { 'function.module': 'tests', 'function.name': 'double', 'function.args_count': 1 },
        ended: true,
      }),
    ]);
    expect(trace.parent_id).toBe(above.span_id);
    await expect(double({ trace: above }, -1)).rejects.toThrow();
    expect(spans[1]).toMatchObject({ error: 'invalid_request', failed: false });
    expect(JSON.stringify(spans)).not.toContain('swordfish');
  });

  test('says what it counts, also where an operation has its name', async () => {
    const { spans, tracer } = recorder();
    const above = { ...continueTrace(`${PARENT}-01`), tracer };
    await double({ trace: above }, 21);
    const operation = { name: 'tests.double' } as unknown as Operation<any, any>;
    startOperationSpan(tracer, above, operation, { number: 21 });
    expect(spans.map(({ attributes }) => Object.keys(attributes!).filter((key) => key.endsWith('_count')))).toEqual([
      ['function.args_count'],
      ['function.kwargs_count'],
    ]);
  });

  test('is the helper and nothing else where nothing is traced', async () => {
    const trace = continueTrace();
    expect(await double({ trace }, 1)).toEqual({ doubled: 2, trace });
  });
});

describe('frames on their way to a connection', () => {
  test('are spans until the connection takes them, or never will', async () => {
    const { spans, tracer } = recorder();
    const trace = { ...continueTrace(`${PARENT}-01`), tracer };
    const start = () => tracer.start('send frame', 'producer', trace);
    const listener = { user_id: 'u', session_id: 's', jti: 'j', generation: 0, expires_at: 0 };
    const channel = new QueuedChannel(listener, () => {});
    const frame = (id: string): Frame => ({ id, type: 'notification', at: 0, data: {} });
    channel.tell(frame('a'), start());
    channel.tell(frame('b'), start());
    expect(spans.map((span) => 'ended' in span)).toEqual([false, false]);
    channel.each({ take: () => new Promise(() => {}), over: () => {} });
    expect(spans.map((span) => 'ended' in span)).toEqual([true, false]);
    channel.close();
    expect(spans[1]).toMatchObject({ error: 'closed', failed: false });
    channel.tell(frame('c'), start());
    expect(spans[2]).toMatchObject({ error: 'closed' });
  });
});
