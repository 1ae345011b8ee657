import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openRabbit } from '../../../shared/messaging/rabbitmq/bus.ts';
import { EVENTS } from '../../../shared/messaging/rabbitmq/settings.ts';
import { topologyOf } from '../../../shared/messaging/topology.ts';
import { type Rabbitmq, startRabbitmq } from '../../engines/rabbitmq.ts';
import { probePlatform, QUEUE, seenBy } from '../rig.ts';
import { observer, type RabbitRig, rabbitRig, until } from './rig.ts';

let server: Rabbitmq;
let rig: RabbitRig;
beforeAll(async () => {
  server = await startRabbitmq();
}, 120_000);
afterEach(() => rig.close());
afterAll(() => server?.close());

const outbox = async (): Promise<number> => (await rig.store.messages.depth('outbox')).count;

test('while the broker is away changes commit, tries are not used up, and the outbox drains at its return', async () => {
  rig = await rabbitRig(server.url, probePlatform());
  await until(() => rig.broker.connected(), 'the connections');
  rig.start();
  await server.stop();
  await until(() => !rig.broker.ready(), 'the loss');
  for (let n = 0; n < 20; n++) await rig.note(`text ${n}`, `user-${n}`);
  expect(await outbox()).toBe(20);
  expect((await rig.store.messages.peek('outbox', 20)).every(({ attempts }) => attempts === 0)).toBe(true);
  const away = rig.logged.filter(({ code }) => code === 'bus.away').map(({ fields }) => fields.detail);
  expect(away.length).toBeLessThanOrEqual(3);
  expect(away.at(-1)).toMatch(/^RabbitMQ is away: .*ECONNREFUSED.*; events wait in the outbox until it is there$/);
  await server.start();
  await until(
    async () => (await seenBy(rig.store, 'user-19')).length === 1 && (await outbox()) === 0,
    'the drain',
    30_000,
  );
}, 90_000);

test('an event that lost its binding stays in the outbox with an alarm, and goes out when it was bound again', async () => {
  rig = await rabbitRig(server.url, probePlatform());
  await until(() => rig.broker.connected(), 'the connections');
  const seen = await observer(server.url);
  await seen.channel.unbindQueue(QUEUE, EVENTS, 'probe.events.*');
  rig.start();
  await rig.note('kept');
  await until(() => rig.counts.get('perfect21_bus_unroutable_total routing_key=probe.events.noted'), 'the alarm');
  expect(await outbox()).toBe(1);
  expect(rig.logged.some(({ level, code }) => level === 'error' && code === 'bus.unroutable')).toBe(true);
  rig.clock.pass(60_000);
  await until(async () => (await seenBy(rig.store)).includes('kept'), 'the event');
  await until(async () => (await outbox()) === 0, 'the empty outbox');
  await seen.close();
});

test('a binding that is missing while others take the same events is made again', async () => {
  rig = await rabbitRig(server.url, probePlatform(), { bind_ms: 50 });
  await until(() => rig.broker.connected(), 'the connections');
  const seen = await observer(server.url);
  const { queue } = await seen.channel.assertQueue('', { exclusive: true });
  await seen.channel.bindQueue(queue, EVENTS, '#');
  rig.start();
  await seen.channel.unbindQueue(QUEUE, EVENTS, 'probe.events.*');
  let notes = 0;
  await until(async () => {
    await rig.note(`note ${++notes}`);
    return (await seenBy(rig.store)).length;
  }, 'an event');
  await seen.close();
});

test('a broker that takes no more messages blocks nobody: events wait and go out when the alarm ends', async () => {
  rig = await rabbitRig(server.url, probePlatform());
  await until(() => rig.broker.connected(), 'the connections');
  rig.start();
  server.control('set_vm_memory_high_watermark', '0.00001');
  await rig.note('first');
  await until(() => !rig.broker.ready(), 'the alarm');
  for (let n = 0; n < 10; n++) await rig.note(`text ${n}`, `user-${n}`);
  expect(await outbox()).toBeGreaterThanOrEqual(10);
  server.control('set_vm_memory_high_watermark', '0.4');
  await until(async () => {
    rig.clock.pass(1_000);
    return (await outbox()) === 0 && (await seenBy(rig.store, 'user-9')).length === 1;
  }, 'the end of the alarm');
  // the broker may bring what a test before left unacknowledged
  expect((await seenBy(rig.store)).filter((text) => text === 'first')).toEqual(['first']);
}, 60_000);

test('a refused login and a refused topology are one clear line each, and no start fails', async () => {
  rig = await rabbitRig(server.url.replace('guest:guest', 'guest:wrong-password'), probePlatform());
  const said = () => rig.logged.filter(({ code }) => code === 'bus.away').map(({ fields }) => fields.detail as string);
  await until(() => said().length > 0, 'the line');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(said().length).toBe(1);
  expect(said()[0]).toMatch(/^RabbitMQ refused the login/);
  expect(JSON.stringify(rig.logged)).not.toContain('wrong-password');
  expect(rig.broker.connected()).toBe(false);

  const other = openRabbit(
    { url: server.url, queue_type: 'classic', max_length: 77 },
    topologyOf(probePlatform()),
    rig.host.ports,
  );
  const seen = await observer(server.url);
  await seen.channel.assertQueue(QUEUE, { durable: true, arguments: { 'x-max-length': 5 } }).catch(() => {});
  await seen.close();
  await until(() => said().some((line) => line.startsWith('RabbitMQ refused the topology')), 'the line');
  expect(said().find((line) => line.startsWith('RabbitMQ refused the topology'))).toContain(QUEUE);
  expect(other.ready()).toBe(false);
  await other.close();
});
