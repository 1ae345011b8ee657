import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { bridgeLayout } from '../../infra/operator/aws-layout.ts';
import { DEAD, toDeadLetter } from '../../shared/messaging/dead-letters.ts';
import { propertiesOf } from '../../shared/messaging/rabbitmq/message.ts';
import { EVENTS, HEADER } from '../../shared/messaging/rabbitmq/settings.ts';
import { type Rabbitmq, startRabbitmq } from '../engines/rabbitmq.ts';
import { empty, observer } from '../messaging/rabbitmq/rig.ts';
import { type TestPlatform, testEnvironment, testPlatform } from '../support/platform.ts';
import { BUS, startAws } from './aws.ts';
import { example, perfect21, type Ran, startCommand, until } from './support.ts';

// each command is a process of its own, and other tests run beside
vi.setConfig({ testTimeout: 60_000 });

const QUEUE = 'notification-service.user_events';
const KEY = 'user.events.password_changed';

let server: Rabbitmq;
let platform: TestPlatform;
let seen: Awaited<ReturnType<typeof observer>>;
const vhosts = Array.from({ length: 8 }, (_, n) => `operator-${n}`);
beforeAll(async () => {
  server = await startRabbitmq({ management: true, vhosts });
  seen = await observer(server.url);
  platform = await testPlatform({ BUS_URL: server.url, LOG_LEVEL: 'silent' });
  await platform.drain();
}, 120_000);
afterAll(async () => {
  await platform?.close();
  await seen?.close();
  await server?.close();
});

const run = (args: readonly string[], more: Record<string, string> = {}): Promise<Ran> =>
  perfect21(args, testEnvironment(platform.dataDir, { BUS_URL: server.url, ...more }));
const depth = async (queue: string): Promise<number> => (await seen.channel.checkQueue(queue)).messageCount;
afterEach(async () => {
  await seen.channel.purgeQueue(DEAD);
});

/** A broker of its own for what must have no consumers. */
const vhost = async () => {
  const url = `${server.url}/${vhosts.shift()!}`;
  return { url, ...(await observer(url)) };
};
const envelopeOf = (message_id: string) => (example('user.password_changed', { message_id }).body as any).envelope;

describe('beside a running platform on a real broker', () => {
  test('a message whose consumers were killed is listed, shown, replayed, and then handled', async () => {
    const envelope = envelopeOf(platform.host.ports.ids.uuid());
    const options = propertiesOf(envelope, KEY, 3);
    const headers = { ...options.headers, [HEADER.attempts]: 6 };
    seen.channel.sendToQueue(QUEUE, Buffer.from(JSON.stringify(envelope)), { ...options, headers });
    await until(() => depth(DEAD), 'the dead letter');

    for (let again = 0; again < 2; again++) {
      const { code, rows, out } = await run(['dlq', 'list', '--json']);
      expect(code).toBe(0);
      expect(rows).toMatchObject([
        { id: envelope.message_id, from: QUEUE, type: 'user.password_changed', routing_key: KEY, attempts: 7 },
      ]);
      expect(rows[0].reason).toBe('its consumers died with it');
      expect(out).not.toContain('ada@example.com');
    }
    expect((await run(['dlq', 'show', envelope.message_id])).out).toContain('ada@example.com');

    expect(await run(['dlq', 'replay', '--from', QUEUE])).toMatchObject({ code: 0, out: '1 replayed\n' });
    const mails = `http://127.0.0.1:${platform.mailbox!.httpPort}/api/messages`;
    await until(async () => JSON.stringify(await (await fetch(mails)).json()).includes('ada@example.com'), 'the mail');
    expect(await depth(DEAD)).toBe(0);
  });

  test('what fails again at once is replayed once, and what the relay refused is listed beside it', async () => {
    const data = {
      user_id: 'u1',
      email: 'e@example.com',
      verification_token: 'p1.sealed-elsewhere',
      registration_ip: '',
      user_agent: '',
    };
    const { code, rows } = await run(['events', 'publish', 'user.registered', JSON.stringify(data), '--json']);
    expect([code, rows]).toMatchObject([0, [{ result: 'published', routing_key: 'user.events.registered' }]]);
    await until(() => depth(DEAD), 'the dead letter');
    expect(await run(['dlq', 'replay'])).toMatchObject({ code: 0, out: '1 replayed\n' });
    await until(() => depth(DEAD), 'the dead letter, again');

    const { store } = platform.host.ports;
    const refused = { queue: 'outbox', id: 'r1', body: { odd: true }, available_at: Date.now() };
    const letter = toDeadLetter({ ...refused, priority: 0, attempts: 1, claim: '' }, 'not an event', Date.now());
    await store.transact([], { enqueue: [letter] });
    const listed = (await run(['dlq', 'list', '--json'])).rows.map(({ from, reason }) => `${from}: ${reason}`);
    expect(listed).toEqual([expect.stringMatching(`${QUEUE}: invalid_request`), 'outbox: not an event']);
    expect(await run(['dlq', 'drop', '--all'])).toMatchObject({ code: 0, out: '2 dropped\n' });
    expect([await depth(DEAD), (await store.messages.depth(DEAD)).count]).toEqual([0, 0]);
  });

  test('events are shown as they pass, and nothing of the look is left behind', async () => {
    const before = server.control('list_queues', 'name').split('\n').length;
    const env = testEnvironment(platform.dataDir, { BUS_URL: server.url });
    const tail = startCommand(['events', 'tail', 'user.#', '--json'], env);
    await until(() => tail.text.err.includes('showing user.#'), 'the tail');
    seen.channel.publish(EVENTS, 'security.events.alert', Buffer.from(JSON.stringify(envelopeOf('other'))));
    await run([
      'events',
      'publish',
      'user.deleted',
      JSON.stringify(example('user.deleted').body && { ...(example('user.deleted').body as any).envelope.data }),
    ]);
    await until(() => tail.text.out.includes('user.events.deleted'), 'the event');
    tail.child.kill('SIGINT');
    const { code, rows } = await tail.ended;
    expect([code, rows.length]).toEqual([0, 1]);
    expect(Object.keys(rows[0])).not.toContain('data');
    await until(() => server.control('list_queues', 'name').split('\n').length === before, 'the end of its queue');
  });
});

describe('dead letters of the broker itself', () => {
  test('say why the broker gave them up, and a queue that is gone keeps its letters', async () => {
    const { url, channel, close } = await vhost();
    expect((await run(['topology', 'apply'], { BUS_URL: url })).code).toBe(0);
    const gone = 'gone-service.events';
    const limits = { 'x-max-length': 1, 'x-dead-letter-exchange': DEAD, 'x-overflow': 'drop-head' };
    await channel.assertQueue(gone, { durable: true, arguments: limits });
    for (const id of ['one', 'two']) {
      const envelope = envelopeOf(id);
      channel.sendToQueue(gone, Buffer.from(JSON.stringify(envelope)), propertiesOf(envelope, KEY, 0));
    }
    channel.sendToQueue(DEAD, Buffer.from('not JSON \u001b[31m'), { headers: { [HEADER.from]: gone } });
    await until(async () => (await channel.checkQueue(DEAD)).messageCount === 2, 'the dead letters');
    const { rows } = await run(['dlq', 'list', '--json'], { BUS_URL: url });
    expect(rows.map(({ id, from, reason }) => [id, from, reason])).toContainEqual(['one', gone, 'the queue was full']);
    expect((await run(['dlq', 'list'], { BUS_URL: url })).out).not.toContain('\u001b');

    expect(await run(['dlq', 'replay', '--id', 'one'], { BUS_URL: url })).toMatchObject({ code: 0 });
    const letters = async () => (await run(['dlq', 'list', '--json'], { BUS_URL: url })).rows.map(({ id }) => id);
    await until(async () => (await letters()).includes('two'), 'the next that overflows');
    expect(await letters()).not.toContain('one');
    expect((await channel.checkQueue(gone)).messageCount).toBe(1);
    await channel.deleteQueue(gone);
    const kept = await run(['dlq', 'replay', '--json'], { BUS_URL: url });
    expect(kept.code).toBe(1);
    expect(kept.rows.map(({ result }) => result)).toEqual(['kept', 'kept']);
    expect((await channel.checkQueue(DEAD)).messageCount).toBe(2);
    await close();
  });

  test.each(['classic', 'quorum'])(
    'of a %s queue are not lost by a replay that is killed at any moment',
    async (type) => {
      const { url, channel, close } = await vhost();
      const env = { BUS_URL: url, RABBITMQ_QUEUE_TYPE: type };
      expect((await run(['topology', 'apply'], env)).code).toBe(0);
      const ids = Array.from({ length: 400 }, (_, n) => `letter-${n}`);
      for (const id of ids) {
        const envelope = envelopeOf(id);
        const options = propertiesOf(envelope, KEY, 0);
        const headers = { ...options.headers, [HEADER.from]: QUEUE, [HEADER.reason]: 'test' };
        channel.sendToQueue(DEAD, Buffer.from(JSON.stringify(envelope)), { ...options, headers });
      }
      const left = async () => (await channel.checkQueue(DEAD)).messageCount;
      await until(async () => (await left()) === ids.length, 'the letters');
      for (let kill = 0; kill < 3; kill++) {
        const before = await left();
        const { child, ended } = startCommand(['dlq', 'replay'], testEnvironment(platform.dataDir, env));
        await until(async () => (await left()) < before - 20, 'the first ones');
        child.kill('SIGKILL');
        await ended;
      }
      await until(async () => (await run(['dlq', 'replay'], env)).code === 0 && (await left()) === 0, 'the rest');
      const back = (await empty(channel, QUEUE)).map(({ content }) => JSON.parse(content.toString()).message_id);
      expect(new Set(back)).toEqual(new Set(ids));
      await close();
    },
    60_000,
  );
});

test('a forged dead letter is listed like any other', async () => {
  seen.channel.sendToQueue(DEAD, Buffer.from('odd'), { headers: { 'x-death': 5, [HEADER.from]: QUEUE } });
  await until(() => depth(DEAD), 'the letter');
  const { code, rows } = await run(['dlq', 'list', '--json']);
  expect([code, rows]).toMatchObject([0, [{ from: QUEUE, reason: 'unknown' }]]);
});

test('a replay while the broker takes no messages says so, ends, and loses no letter', async () => {
  const envelope = envelopeOf('kept');
  seen.channel.sendToQueue(DEAD, Buffer.from(JSON.stringify(envelope)), { headers: { [HEADER.from]: QUEUE } });
  await until(() => depth(DEAD), 'the letter');
  server.control('set_vm_memory_high_watermark', '0.00001');
  const replayed = await run(['dlq', 'replay']).finally(() => server.control('set_vm_memory_high_watermark', '0.4'));
  expect(replayed).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^perfect21 dlq replay: RabbitMQ takes no messages: /),
  });
  await until(() => depth(DEAD), 'the letter, again');
  expect(await run(['dlq', 'replay'])).toMatchObject({ code: 0, out: '1 replayed\n' });
});

describe('the topology on the broker', () => {
  test('is compared with the code, made, and mended; bindings by the management plugin', async () => {
    const { url, channel, close } = await vhost();
    const env = { BUS_URL: url };
    const management = ['--management', server.managementUrl];
    const fresh = await run(['topology', 'diff', '--json', ...management], env);
    expect(fresh.code).toBe(1);
    expect(new Set(fresh.rows.map(({ kind }) => kind))).toEqual(new Set(['missing']));
    expect(fresh.rows.map(({ what }) => what)).toContain(`binding ${QUEUE} ← user.events.*`);
    // looking makes nothing
    expect(server.control('list_queues', '-p', url.split('/').at(-1)!, 'name')).not.toContain('notification');

    expect((await run(['topology', 'apply', ...management], env)).code).toBe(0);
    expect(await run(['topology', 'diff', ...management], env)).toMatchObject({ code: 0, out: '' });
    const { err } = await run(['topology', 'diff'], env);
    expect(err).toMatch(/^exchanges and queues of RabbitMQ are as the code says\nnot compared: bindings/);

    await channel.unbindQueue(QUEUE, EVENTS, 'user.events.*');
    await channel.bindQueue(QUEUE, EVENTS, 'old.#');
    await channel.assertQueue('of-somebody-else', { durable: true });
    await channel.bindQueue('of-somebody-else', EVENTS, '#');
    const changed = await run(['topology', 'diff', ...management], env);
    expect([changed.code, changed.out.trim().split('\n')]).toEqual([
      1,
      [`missing: binding ${QUEUE} ← user.events.*`, `left over: binding ${QUEUE} ← old.#`],
    ]);
    expect((await run(['topology', 'apply', ...management], env)).out).toContain('left over');
    expect((await run(['topology', 'apply', '--prune', ...management], env)).code).toBe(0);

    await channel.deleteQueue(QUEUE);
    await channel.assertQueue(QUEUE, { durable: true });
    const other = await run(['topology', 'diff'], env);
    expect([other.code, other.out]).toEqual([
      1,
      expect.stringMatching(`different: queue ${QUEUE} \\(inequivalent arg`),
    ]);
    const failed = await run(['topology', 'apply'], env);
    expect([failed.code, failed.err]).toEqual([
      1,
      expect.stringMatching(/RabbitMQ refused the topology: .*inequivalent/),
    ]);
    await close();
  });
});

describe('a bridge that runs as a process', () => {
  test('has its queues on both sides compared, and its dead letters in SQS beside those of RabbitMQ', async () => {
    const aws = await startAws();
    const { url, channel, close } = await vhost();
    try {
      const env = { ...aws.env, BUS_URL: url, BRIDGE_URL: `eventbridge://${BUS}/my-bridge` };
      const told = async (...args: string[]) => {
        const { code, out } = await perfect21(args, env);
        return [code, ...out.trim().split('\n').sort()];
      };
      await perfect21(['topology', 'apply'], { ...env, BRIDGE_URL: '' });
      expect(await told('topology', 'diff')).toEqual([
        1,
        'missing: queue bridge.to_eventbridge',
        'missing: queue my-bridge',
        'missing: queue my-bridge-dead',
        'missing: rule for my-bridge',
      ]);
      aws.makeBridge(bridgeLayout({ bus: BUS, queue: 'my-bridge' }));
      expect((await perfect21(['topology', 'apply'], env)).code).toBe(0);
      expect(await told('topology', 'diff')).toEqual([0, '']);

      await aws.send('my-bridge-dead', JSON.stringify({ detail: envelopeOf('in-sqs') }));
      channel.sendToQueue(DEAD, Buffer.from(JSON.stringify(envelopeOf('in-rabbitmq'))));
      await until(async () => (await channel.checkQueue(DEAD)).messageCount === 1, 'the dead letter');
      const { rows } = await perfect21(['dlq', 'list', '--json'], env);
      expect(rows.map(({ id }) => id).sort()).toEqual(['in-rabbitmq', 'in-sqs']);
      const dropped = await perfect21(['dlq', 'drop', '--from', 'my-bridge'], env);
      expect([dropped.out, aws.bodies('my-bridge-dead')]).toEqual(['1 dropped\n', []]);
      const away = await perfect21(['dlq', 'list'], { ...env, AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:1' });
      expect([away.code, away.err]).toEqual([1, expect.stringMatching(/^perfect21 dlq list: AWS is away: /)]);
    } finally {
      await close();
      await aws.close();
    }
  });
});

describe('a broker that is away or refuses', () => {
  const cases: Record<string, [string, RegExp]> = {
    'is away': ['amqp://guest:guest@127.0.0.1:1', /^perfect21 dlq list: RabbitMQ is away: .*ECONNREFUSED/],
    'refuses the login': ['login', /RabbitMQ refused the login or a right/],
  };
  test.each(Object.entries(cases))('%s: one line, and no password in it', async (_, [given, line]) => {
    const url = given === 'login' ? server.url.replace('guest:guest', 'guest:hidden-word') : given;
    const { code, err } = await run(['dlq', 'list'], { BUS_URL: url });
    expect([code, err]).toEqual([1, expect.stringMatching(line)]);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).not.toContain('hidden-word');
  });
});
