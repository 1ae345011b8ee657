import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { OUTBOX } from '../../shared/kit/event.ts';
import { DEAD, toDeadLetter } from '../../shared/messaging/dead-letters.ts';
import { TEST_SECRET, type TestPlatform, testEnvironment, testPlatform } from '../support/platform.ts';
import { example, perfect21, type Ran, startCommand, until } from './support.ts';

// each command is a process of its own, and other tests run beside
vi.setConfig({ testTimeout: 60_000 });

const QUEUE = 'notification-service.user_events';
const TOKEN = 'p1.a-sealed-token-that-nobody-may-read';
const REGISTERED = {
  user_id: 'u1',
  email: 'ada@example.com',
  verification_token: TOKEN,
  registration_ip: '192.0.2.1',
  user_agent: 'test',
};

let platform: TestPlatform;
beforeAll(async () => {
  platform = await testPlatform({ LOG_LEVEL: 'silent' });
}, 60_000);
afterAll(() => platform?.close());

const store = () => platform.host.ports.store;
const environment = () => testEnvironment(platform.dataDir);
const run = (...args: string[]): Promise<Ran> => perfect21(args, environment());
const dead = async (): Promise<number> => (await store().messages.depth(DEAD)).count;
afterEach(async () => {
  const claimed = await store().messages.claim(DEAD, { limit: 100, lease_ms: 1_000 });
  if (claimed.length) await store().transact([], { settle: claimed });
});

/** Dead letters of a queue that no process consumes here. */
const park = async (count: number, from = 'elsewhere-service.events'): Promise<string[]> => {
  const ids = Array.from({ length: count }, () => platform.host.ports.ids.uuid());
  for (const message_id of ids) {
    const message = { ...example('security.alert', { message_id, queue: from }), priority: 0, attempts: 3, claim: '' };
    await store().transact([], { enqueue: [toDeadLetter(message, 'unavailable', Date.now())] });
  }
  return ids;
};

describe('beside a running platform on the same store', () => {
  test('a message whose consumers were killed is listed, shown, replayed, and then handled', async () => {
    const message_id = platform.host.ports.ids.uuid();
    const killed = example('user.password_changed', { message_id, queue: QUEUE, attempts: 6 });
    await store().transact([], { enqueue: [killed] });
    await until(dead, 'the dead letter');

    const listed = await run('dlq', 'list', '--json');
    expect(listed).toMatchObject({ code: 0, err: '' });
    expect(listed.rows).toMatchObject([
      { id: message_id, from: QUEUE, type: 'user.password_changed', reason: 'its consumers died with it' },
    ]);
    expect(listed.out).not.toContain('ada@example.com');
    const shown = await run('dlq', 'show', message_id);
    expect(JSON.parse(shown.out).payload.data.email).toBe('ada@example.com');

    const replayed = await run('dlq', 'replay', '--from', QUEUE);
    expect(replayed).toMatchObject({ code: 0, out: '1 replayed\n', err: '' });
    const mails = `http://127.0.0.1:${platform.mailbox!.httpPort}/api/messages`;
    const sent = async () => ((await (await fetch(mails)).json()) as any[]).filter(({ to }) => to.includes('ada@'));
    await until(async () => (await sent()).length > 0, 'the mail');
    expect(await dead()).toBe(0);
  });

  test('filters choose, a limit bounds, and what has no queue any more stays with the reason', async () => {
    const [first, second, third] = await park(3);
    await park(1, QUEUE);
    const list = async (...args: string[]) => (await run('dlq', 'list', '--json', ...args)).rows.map(({ id }) => id);
    expect(await list('--from', 'elsewhere-service.events')).toEqual([first, second, third]);
    expect(await list('--id', second!)).toEqual([second]);
    expect(await list('--limit', '1')).toHaveLength(1);

    const refused = await run('dlq', 'replay', '--id', first!, '--json');
    expect(refused.code).toBe(1);
    expect(refused.rows).toMatchObject([{ id: first, result: 'kept', reason: expect.stringMatching(/no queue/) }]);
    expect(await run('dlq', 'drop', '--id', first!)).toMatchObject({ code: 0, out: '1 dropped\n' });
    expect(await run('dlq', 'drop', '--from', 'elsewhere-service.events', '--limit', '1')).toMatchObject({ code: 0 });
    expect(await list('--from', 'elsewhere-service.events')).toEqual([third]);
    expect(await dead()).toBe(2);
  });

  test('a payload is shown with its secrets masked, unless they are asked for', async () => {
    const message_id = platform.host.ports.ids.uuid();
    const event = example('user.registered', { message_id });
    (event.body as any).envelope.data.verification_token = TOKEN;
    const message = { ...event, queue: 'elsewhere', priority: 0, attempts: 1, claim: '' };
    await store().transact([], { enqueue: [toDeadLetter(message, 'poison', Date.now())] });
    for (const args of [['list'], ['list', '--json'], ['show', message_id], ['show', message_id, '--json']]) {
      expect((await run('dlq', ...args)).out).not.toContain(TOKEN);
    }
    expect((await run('dlq', 'show', message_id, '--unmask')).out).toContain(TOKEN);
  });

  test('events are shown as they pass the platform, and nothing of the look is left behind', async () => {
    const tail = startCommand(['events', 'tail', 'user.events.*', '--json', '--data', '--limit', '1'], environment());
    await until(() => tail.text.err.includes('showing user.events.*'), 'the tail');
    await run('events', 'publish', 'session.revoked', '{"session_id":"s","user_id":"u","reason":"logout"}', '--outbox');
    const told = await perfect21(
      ['events', 'publish', 'user.registered', '--outbox', '--json'],
      environment(),
      JSON.stringify(REGISTERED),
    );
    expect(told.rows).toMatchObject([{ result: 'in the outbox:', routing_key: 'user.events.registered' }]);
    const { code, rows, out } = await tail.ended;
    expect([code, rows]).toMatchObject([
      0,
      [{ message_id: told.rows[0].message_id, routing_key: 'user.events.registered', source_service: 'operator' }],
    ]);
    expect(rows[0].data.email).toBe('ada@example.com');
    expect(out).not.toContain(TOKEN);
    // the platform itself hears broadcasts, by a saying of its own
    const said = await store().messages.peek('perfect21.tails', 10);
    expect(said.filter(({ body }) => (body as { binding: string }).binding === 'user.events.*')).toEqual([]);
  });

  test('what is published straight to the bus reaches its handlers, with the key and priority of the catalogue', async () => {
    const data = { ...REGISTERED, user_id: 'u2' };
    const { code, rows } = await run(
      'events',
      'publish',
      'user.registered',
      JSON.stringify(data),
      '--json',
      '--user',
      'u2',
    );
    expect([code, rows]).toMatchObject([
      0,
      [{ result: 'published', routing_key: 'user.events.registered', priority: 0 }],
    ]);
    // its token opens nothing, so the handler parks it
    await until(dead, 'the handler');
    expect((await run('dlq', 'list', '--json')).rows).toMatchObject([{ id: rows[0].message_id, from: QUEUE }]);
  });

  test('the outbox says how many wait and why', async () => {
    const later = Date.now() + 3_600_000;
    await store().transact([], { enqueue: [{ queue: OUTBOX, id: 'later', available_at: later, body: {} }] });
    const { code, rows } = await run('outbox', 'status', '--json');
    expect([code, rows]).toMatchObject([0, [{ waiting: 1, delayed: 1, failing: 0 }]]);
  });

  test('the outbox says that RabbitMQ is away, and of how many rows it speaks', async () => {
    const later = Date.now() + 3_600_000;
    const row = (n: number) => ({ queue: OUTBOX, id: `row-${n}`, available_at: later, body: {} });
    const failing = { ...row(0), attempts: 3, reason: 'publish failed' };
    await store().transact([], { enqueue: [failing] });
    for (let from = 1; from <= 1_000; from += 100) {
      await store().transact([], { enqueue: Array.from({ length: 100 }, (_, n) => row(from + n)) });
    }
    const env = { ...environment(), BUS_URL: 'amqp://guest:guest@127.0.0.1:1' };
    const { code, out } = await perfect21(['outbox', 'status'], env);
    expect(code).toBe(0);
    expect(out).toMatch(/^100\d waiting, .* of the first 1,000 not due yet, 1 of the first 1,000 failed/);
    expect(out).toMatch(/up to 3 times, RabbitMQ is away: .*ECONNREFUSED/);
    const [told] = (await perfect21(['outbox', 'status', '--json'], env)).rows;
    expect(told).toMatchObject({ failing: 1, looked_at: 1_000, bus_away: expect.stringMatching(/^RabbitMQ is away/) });
  });

  test('the topology is the code itself, and a bridge that never ran misses nothing', async () => {
    expect(await run('topology', 'diff')).toMatchObject({ code: 0, out: '' });
    expect(await run('topology', 'apply')).toMatchObject({ code: 0 });
    expect(await run('bridge', 'reconcile', '--since', '2h')).toMatchObject({ code: 0 });
  });
});

describe('a call that cannot be done', () => {
  const calls: Record<string, [string[], number, RegExp]> = {
    'an unknown command': [['dlq', 'eat'], 2, /no command "dlq eat"/],
    'an unknown option': [['dlq', 'list', '--loud'], 2, /--loud/],
    'a number that is none': [['dlq', 'list', '--limit', 'x'], 2, /--limit is a number/],
    'a drop of everything by accident': [['dlq', 'drop'], 2, /say which/],
    'a letter that is not there': [['dlq', 'show', 'nothing'], 1, /no dead letter nothing/],
    'a replay of a letter that is not there': [['dlq', 'replay', '--id', 'nothing'], 1, /no dead letter nothing/],
    'a replay of a queue that is not there': [
      ['dlq', 'replay', '--from', 'nobody.events'],
      1,
      /no queue nobody\.events/,
    ],
    'an event that the catalogue has not': [['events', 'publish', 'user.sneezed', '{}'], 2, /no event "user.sneezed"/],
    'data of another form': [['events', 'publish', 'user.deleted', '{"user_id":5}'], 2, /data\.user_id/],
    'a comparison further back than notes are kept': [
      ['bridge', 'reconcile', '--since', '8d'],
      2,
      /--since is 7d at most/,
    ],
    'data that is no JSON': [['events', 'publish', 'user.deleted', '{'], 2, /not JSON/],
    'a binding that is none': [['events', 'tail', 'a..b'], 2, /no binding/],
  };
  test.each(Object.entries(calls))('%s ends with one line', async (_, [args, code, line]) => {
    const ran = await run(...args);
    expect([ran.code, ran.err]).toEqual([code, expect.stringMatching(line)]);
    if (args[1] !== 'eat') expect(ran.err.trim().split('\n')).toHaveLength(1);
  });

  test('a store that is not there is not made by looking for it', async () => {
    const env = { PERFECT21_DATA_DIR: `${platform.dataDir}/none`, PERFECT21_SECRET: TEST_SECRET };
    expect(await perfect21(['dlq', 'list'], env)).toMatchObject({ code: 1, err: expect.stringMatching(/no store at/) });
  });

  test('help is there for all commands, a group and each', async () => {
    for (const [args, text] of [
      [['--help'], 'bridge reconcile'],
      [['dlq'], 'dlq replay'],
      [['dlq', 'replay', '--help'], '--from <queue>'],
    ] as const) {
      const { code, out } = await run(...args);
      expect([code, out]).toEqual([0, expect.stringContaining(text)]);
    }
  });
});
