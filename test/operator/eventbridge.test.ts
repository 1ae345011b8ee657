import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bridgeLayout } from '../../infra/operator/aws-layout.ts';
import { routingOf, urgencyOf } from '../../shared/messaging/eventbridge/routing.ts';
import { tail } from '../../shared/messaging/eventbridge/tail.ts';
import { BUS, layout, PREFIX, startAws } from './aws.ts';
import { example, perfect21, type Ran, startCommand, until } from './support.ts';

// each command is a process of its own, and other tests run beside
vi.setConfig({ testTimeout: 60_000 });

const queue = layout.queues.find(({ name }) => name === 'notification-service.user_events')!;
const twins = layout.queues.find(({ urgent }) => urgent)!;

let aws: Awaited<ReturnType<typeof startAws>>;
beforeAll(async () => {
  aws = await startAws();
}, 60_000);
afterAll(() => aws?.close());

const withPrefix = (args: readonly string[]): string[] => [...args, '--prefix', PREFIX];
const run = (...args: string[]): Promise<Ran> => perfect21(withPrefix(args), aws.env);
const frame = (message_id: string, priority = 0): string => {
  const { envelope } = example('user.password_changed', { message_id }).body as { envelope: object };
  return JSON.stringify({
    'detail-type': 'user.password_changed',
    detail: { ...envelope, routing: { ...routingOf('user.events.password_changed'), ...urgencyOf(priority) } },
  });
};

describe('dead letters in SQS', () => {
  test('of a function that was killed are listed, shown, and replayed to their queue as they were', async () => {
    await aws.send(queue.sqs, frame('killed-1'));
    await aws.die(queue.sqs);
    expect(aws.bodies(queue.dead)).toHaveLength(1);

    for (let again = 0; again < 2; again++) {
      const { code, rows, out } = await run('dlq', 'list', '--json');
      expect([code, rows]).toMatchObject([
        0,
        [
          {
            id: 'killed-1',
            from: queue.name,
            type: 'user.password_changed',
            routing_key: 'user.events.password_changed',
          },
        ],
      ]);
      expect(out).not.toContain('ada@example.com');
    }
    expect((await run('dlq', 'show', 'killed-1', '--from', queue.name)).out).toContain('ada@example.com');
    expect(await run('dlq', 'replay', '--from', queue.name)).toMatchObject({ code: 0, out: '1 replayed\n' });
    expect([aws.bodies(queue.dead), aws.bodies(queue.sqs)]).toEqual([[], [frame('killed-1')]]);
    await aws.die(queue.sqs);
    expect(await run('dlq', 'drop', '--id', 'killed-1')).toMatchObject({ code: 0, out: '1 dropped\n' });
    expect(aws.bodies(queue.dead)).toEqual([]);
  });

  test('of urgent events go back to the twin that takes these', async () => {
    await aws.send(twins.dead, frame('urgent-1', 9));
    await aws.send(twins.dead, frame('calm-1', 3));
    expect(await run('dlq', 'replay', '--from', twins.name)).toMatchObject({ code: 0, out: '2 replayed\n' });
    expect([aws.bodies(twins.urgent!), aws.bodies(twins.sqs)]).toEqual([[frame('urgent-1', 9)], [frame('calm-1', 3)]]);
  });

  test('are not lost by a replay that is killed at any moment', async () => {
    const ids = Array.from({ length: 60 }, (_, n) => `letter-${n}`);
    for (const id of ids) await aws.send(queue.dead, frame(id));
    const { child, ended } = startCommand(withPrefix(['dlq', 'replay', '--from', queue.name]), aws.env);
    await until(() => aws.bodies(queue.dead).length < 45, 'the first ones');
    child.kill('SIGKILL');
    await ended;
    const there = [...aws.bodies(queue.dead), ...aws.bodies(queue.sqs)].map(
      (body) => JSON.parse(body).detail.message_id,
    );
    expect(new Set(there)).toEqual(new Set(ids));
    expect(aws.bodies(queue.dead).length).toBeGreaterThan(0);
  });
});

describe('dead letters of a bridge', () => {
  const letters = async (env: Record<string, string> = aws.env) => {
    const { code, rows, err } = await perfect21(withPrefix(['dlq', 'list', '--json']), env);
    return [code, err, rows.map(({ id, from }) => `${id} of ${from}`)];
  };

  test('are none and no error where a platform has no bridge', async () => {
    const bridge = ['--from', 'bridge.to_rabbitmq'];
    expect(await run('dlq', 'list', ...bridge)).toMatchObject({ code: 0, out: '', err: 'no dead letters\n' });
    expect(await run('dlq', 'replay', ...bridge)).toMatchObject({ code: 0, out: '0 replayed\n' });
  });

  test('of a deployment are listed, shown, replayed and dropped', async () => {
    const own = await startAws();
    try {
      own.makeBridge();
      const bridge = layout.queues.find(({ name }) => name === 'bridge.to_rabbitmq')!;
      expect(bridge).toMatchObject({ sqs: `${PREFIX}-bridge-to_rabbitmq`, dead: `${PREFIX}-bridge-to_rabbitmq-dead` });
      await own.send(bridge.dead, frame('bridged-1'));
      expect(await letters(own.env)).toMatchObject([0, '', ['bridged-1 of bridge.to_rabbitmq']]);
      const inIt = (...args: string[]) => perfect21(withPrefix(args), own.env);
      expect((await inIt('dlq', 'show', 'bridged-1')).out).toContain('ada@example.com');
      expect(await inIt('dlq', 'replay', '--from', bridge.name)).toMatchObject({ code: 0, out: '1 replayed\n' });
      expect([own.bodies(bridge.dead), own.bodies(bridge.sqs)]).toEqual([[], [frame('bridged-1')]]);
      await own.send(bridge.dead, frame('bridged-2'));
      expect(await inIt('dlq', 'drop', '--id', 'bridged-2')).toMatchObject({ code: 0, out: '1 dropped\n' });
    } finally {
      await own.close();
    }
  });

  test('that runs as a process are those of the queue that BRIDGE_URL names', async () => {
    const own = await startAws();
    try {
      own.makeBridge(bridgeLayout({ bus: BUS, queue: 'my-bridge' }));
      await own.send('my-bridge-dead', frame('bridged-3'));
      const env = { ...own.env, BRIDGE_URL: `eventbridge://${BUS}/my-bridge` };
      expect(await letters(env)).toMatchObject([0, '', ['bridged-3 of my-bridge']]);
      expect(await perfect21(withPrefix(['topology', 'diff']), env)).toMatchObject({ code: 0, out: '' });
      const replayed = await perfect21(withPrefix(['dlq', 'replay', '--from', 'my-bridge']), env);
      expect([replayed.code, own.bodies('my-bridge')]).toEqual([0, [frame('bridged-3')]]);
    } finally {
      await own.close();
    }
  });
});

test('events are shown as they pass, and rule and queue of the look are gone at its end', async () => {
  const rules = aws.standing.size;
  const look = startCommand(['events', 'tail', 'user.events.*', '--json', '--limit', '1'], aws.env);
  await until(() => look.text.err.includes('showing user.events.*'), 'the tail');
  expect(aws.standing.size).toBe(rules + 1);
  const data = JSON.stringify((example('user.deleted').body as any).envelope.data);
  const { rows, code } = await perfect21(['events', 'publish', 'user.deleted', data, '--json'], aws.env);
  expect([code, rows]).toMatchObject([0, [{ result: 'published', routing_key: 'user.events.deleted' }]]);
  const seen = await look.ended;
  expect([seen.code, seen.rows]).toMatchObject([0, [{ message_id: rows[0].message_id, message_type: 'user.deleted' }]]);
  expect(aws.standing.size).toBe(rules);
});

test('a binding that no rule can say is refused before AWS is asked for anything', async () => {
  const asked: string[] = [];
  const send = async (command: object) => void asked.push(command.constructor.name);
  const clients = { events: { send }, sqs: { send } } as any;
  const binding = ['#', ...'ABCD'].map((each) => (each === '#' ? each : `${each.repeat(60)}.#`)).join('.');
  const ids = { uuid: () => 'id', random: () => 'r' };
  const look = tail(
    clients,
    ids,
    BUS,
    binding,
    () => {},
    new AbortController().signal,
    () => {},
  );
  await expect(look).rejects.toThrow(RangeError);
  expect(asked).toEqual([]);
  const refused = await perfect21(['events', 'tail', binding], aws.env);
  expect(refused.code).toBeGreaterThan(0);
  expect(refused.err.trim()).not.toContain('\n');
});

describe('the topology in AWS', () => {
  test('is as the template says, and what was changed by hand is told and mended', async () => {
    expect(await run('topology', 'diff')).toMatchObject({ code: 0, out: '' });
    const name = `rule-of-${queue.sqs}`;
    aws.control('PutRule', { Name: name, EventPattern: '{"source":["other"]}' });
    aws.control('PutRule', {
      Name: `rule-of-${twins.sqs}`,
      EventPattern: aws.standing.get(`rule-of-${twins.sqs}`)!.EventPattern,
      State: 'DISABLED',
    });
    aws.control('PutRule', { Name: 'old', EventPattern: '{"source":["old"]}' });
    aws.control('PutTargets', {
      Rule: 'old',
      Targets: [{ Id: 'x', Arn: `arn:aws:sqs:eu-central-1:000000000000:${queue.sqs}` }],
    });
    const changed = await run('topology', 'diff', '--json');
    expect(changed.code).toBe(1);
    expect(changed.rows.map(({ kind, what }) => `${kind}: ${what}`).sort()).toEqual(
      [
        `different: rule ${name} for ${queue.sqs}`,
        `different: rule rule-of-${twins.sqs} for ${twins.sqs}`,
        `left over: rule old for ${queue.sqs}`,
      ].sort(),
    );
    expect((await run('topology', 'apply')).out).toContain('left over: rule old');
    expect((await run('topology', 'apply', '--prune')).code).toBe(0);
    aws.remove(queue.sqs);
    const { code, out } = await run('topology', 'diff');
    expect([code, out]).toEqual([1, `missing: queue ${queue.sqs}\n`]);
  });

  test('of a bridge is compared where there is one', async () => {
    await run('topology', 'apply', '--prune');
    aws.makeBridge();
    const name = `${PREFIX}-bridge-to_rabbitmq`;
    const before = (await run('topology', 'diff')).out;
    expect(before).not.toContain('bridge');
    aws.control('PutRule', {
      Name: `rule-of-${name}`,
      EventPattern: aws.standing.get(`rule-of-${name}`)!.EventPattern,
      State: 'DISABLED',
    });
    aws.remove(`${name}-dead`);
    const { code, out } = await run('topology', 'diff');
    expect(code).toBe(1);
    expect(out).toContain(`missing: queue ${name}-dead\n`);
    expect(out).toContain(`different: rule rule-of-${name} for ${name} (it is disabled)\n`);
  });

  test('that is not there is one line, not a stack', async () => {
    const gone = { ...aws.env, AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:1', AWS_MAX_ATTEMPTS: '1' };
    const away = await perfect21(withPrefix(['dlq', 'list']), gone);
    expect([away.code, away.err]).toEqual([
      1,
      expect.stringMatching(/^perfect21 dlq list: AWS is away: .*ECONNREFUSED/),
    ]);
    const other = await perfect21(['dlq', 'list', '--prefix', 'nobodys'], aws.env);
    expect([other.code, other.err]).toEqual([1, expect.stringMatching(/^perfect21 dlq list: AWS has no such thing/)]);
    expect((await perfect21(['dlq', 'list'], aws.env)).err).toMatch(/--prefix/);
  });
});
