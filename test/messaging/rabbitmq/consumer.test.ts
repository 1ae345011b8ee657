import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { AppError } from '../../../shared/kit/errors.ts';
import { operation } from '../../../shared/kit/operation.ts';
import { service } from '../../../shared/kit/service.ts';
import { DEAD } from '../../../shared/messaging/dead-letters.ts';
import { envelopeOf } from '../../../shared/messaging/envelope.ts';
import { DROPPED, declareDrops } from '../../../shared/messaging/rabbitmq/drops.ts';
import { propertiesOf } from '../../../shared/messaging/rabbitmq/message.ts';
import { EVENTS, HEADER } from '../../../shared/messaging/rabbitmq/settings.ts';
import { consumerQueue } from '../../../shared/messaging/rabbitmq/topology.ts';
import { sharedRabbitmq } from '../../engines/shared-rabbitmq.ts';
import { noted, probePlatform, QUEUE, seenBy } from '../rig.ts';
import { empty, envelope, observer, type RabbitRig, rabbitRig, until } from './rig.ts';

const KEY = 'probe.events.noted';
const STEPS = [20, 20, 20, 20, 20];
let url: string;
let seen: Awaited<ReturnType<typeof observer>>;
let rig: RabbitRig;
beforeAll(async () => {
  url = await sharedRabbitmq();
  seen = await observer(url);
}, 120_000);
afterEach(async () => {
  await rig.close();
  for (const queue of [QUEUE, DEAD]) await seen.channel.purgeQueue(queue);
});
afterAll(async () => {
  await seen?.close();
});
const open = async (...[before]: Parameters<typeof probePlatform>): Promise<void> => {
  rig = await rabbitRig(url, probePlatform(before), { retry_steps: STEPS });
  await until(() => rig.broker.connected(), 'the connections');
};
const publish = (value: unknown, options = {}): void => {
  const content = typeof value === 'string' ? Buffer.from(value) : Buffer.from(JSON.stringify(value));
  seen.channel.publish(EVENTS, KEY, content, options);
};

test('an event of a committed change is handled over the broker, with the headers of the contract', async () => {
  await open();
  await rig.note('hello', 'user-1');
  const worker = rig.start({ services: [] });
  await worker.drain();
  const message = (await empty(seen.channel, QUEUE))[0]!;
  const { message_id, correlation_id, metadata } = JSON.parse(message.content.toString());
  expect(message.properties).toMatchObject({
    messageId: message_id,
    type: 'probe.noted',
    deliveryMode: 2,
    priority: 0,
  });
  expect(message.properties.timestamp).toBe(Math.floor(rig.clock.now() / 1000));
  expect(message.properties.headers).toMatchObject({
    message_type: 'probe.noted',
    source_service: 'probe',
    user_id: 'user-1',
    correlation_id,
    traceparent: metadata.traceparent,
  });
  await worker.stop();
  await rig.note('again', 'user-1');
  const whole = rig.start();
  await whole.drain();
  expect(await seenBy(rig.store, 'user-1')).toEqual(['again']);
  expect((await rig.store.messages.depth('outbox')).count).toBe(0);
});

test('an event of a producer that writes null for what it leaves out is handled, and in the trace of its header', async () => {
  const traces: string[] = [];
  await open((_event, { trace }) => void traces.push(trace.trace_id));
  rig.start();
  const nothing = { user_id: null, correlation_id: null };
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  publish(
    { ...envelope({ data: { text: 'foreign' } }), ...nothing, metadata: null },
    { headers: { ...nothing, traceparent } },
  );
  await until(async () => (await seenBy(rig.store)).length === 1, 'the event');
  expect(await seenBy(rig.store)).toEqual(['foreign']);
  expect(traces).toEqual(['0af7651916cd43dd8448eb211c80319c']);
});

test('what fails for now is tried again with growing waits, then parked with the reason and all its tries', async () => {
  let tries = 0;
  await open(() => {
    tries++;
    throw new AppError('unavailable');
  });
  await rig.note('never');
  rig.start();
  await until(async () => (await seen.channel.checkQueue(DEAD)).messageCount === 1, 'the dead letter');
  expect(tries).toBe(STEPS.length + 1);
  const letter = (await empty(seen.channel, DEAD))[0]!;
  expect(letter.properties.headers).toMatchObject({
    [HEADER.attempts]: STEPS.length + 1,
    [HEADER.reason]: 'gave up after 6 tries: unavailable',
    [HEADER.from]: QUEUE,
    [HEADER.key]: KEY,
  });
  expect(JSON.parse(letter.content.toString()).data).toEqual({ text: 'never' });
});

test('poison is parked at once with the reason and delays nobody', async () => {
  await open();
  const good = envelope();
  const properties = propertiesOf(good, KEY, 0);
  const poison: [string, unknown, object][] = [
    ['not JSON', '{"message_id":', {}],
    ['invalid envelope', { hello: 'world' }, {}],
    ['invalid_request metadata.version', envelope({ metadata: { version: 7 } }), {}],
    ['invalid_request data.text', envelope({ data: { text: 5 } }), {}],
    ['too large', envelope({ data: { text: 'x'.repeat(1_100_000) } }), {}],
    ['a header contradicts the envelope: message_id', good, { ...properties, messageId: 'other' }],
    ['a header contradicts the envelope: message_type', good, { ...properties, headers: { message_type: 'x' } }],
    ['a header contradicts the envelope: user_id', good, { ...properties, headers: { user_id: 'admin' } }],
    ['invalid number of tries', good, { ...properties, headers: { [HEADER.attempts]: -4 } }],
    ['invalid routing key', good, { ...properties, headers: { [HEADER.key]: 'a..b' } }],
    // what can be read and not be written again
    ['not JSON', 'much', { headers: { much: 'x'.repeat(65_300) } }],
    ['not JSON', 'double', { headers: { odd: { '!': 'double', value: 1234567890123456.5 } } }],
  ];
  for (const [, value, options] of poison) publish(value, options);
  // a type that nobody knows is no poison: a later release may know it
  publish(envelope({ message_type: 'no.such' }));
  publish(envelope({ data: { text: 'good' } }));
  rig.start();
  await until(async () => (await seenBy(rig.store)).includes('good'), 'the good one');
  await until(
    () => rig.counts.get(`perfect21_queue_messages_total queue=${QUEUE} result=unknown`) === 1,
    'the unknown',
  );
  await until(async () => (await seen.channel.checkQueue(DEAD)).messageCount === poison.length, 'the dead letters');
  const reasons = (await empty(seen.channel, DEAD)).map(({ properties: { headers } }) => headers?.[HEADER.reason]);
  expect(reasons.sort()).toEqual(poison.map(([reason]) => reason).sort());
  const counted = `perfect21_queue_messages_total queue=${QUEUE} result=parked`;
  await until(() => rig.counts.get(counted) === poison.length, 'the count');
});

test('an event of a stranger keeps its routing key through every try', async () => {
  await open(() => {
    throw new AppError('unavailable');
  });
  publish(envelope());
  rig.start();
  await until(async () => (await seen.channel.checkQueue(DEAD)).messageCount === 1, 'the dead letter');
  const [letter] = await empty(seen.channel, DEAD);
  expect(letter!.properties.headers).toMatchObject({ [HEADER.key]: KEY, [HEADER.attempts]: STEPS.length + 1 });
});

const TAKEN = 'taken-service.events';
const onTaken = operation({
  name: 'taken.on-noted',
  summary: 'Never gets one',
  subscription: { queue: TAKEN, bindings: ['probe.events.*'], types: [noted.type] },
  access: 'service',
  input: envelopeOf(noted),
  output: z.object({}),
  run: async () => ({}),
});
const takenRig = (refused_ms: number) =>
  rabbitRig(url, [service('taken', [onTaken]), ...probePlatform()], { refused_ms });
const refusals = () => rig.logged.filter(({ code }) => code === 'queue.refused');
/** Consumes from the queue alone. Returns how to stop. */
const hold = async (queue: string) => {
  const { consumerTag } = await seen.channel.consume(queue, () => {}, { exclusive: true });
  return () => seen.channel.cancel(consumerTag);
};

test('a queue that somebody else holds for himself keeps no other queue from its events', async () => {
  await seen.channel.assertQueue(TAKEN, consumerQueue({ url: '', queue_type: 'classic' }));
  await declareDrops(seen.channel, { queue_type: 'classic' });
  const give = [await hold(TAKEN), await hold(DROPPED)];
  rig = await takenRig(50);
  rig.start();
  publish(envelope({ data: { text: 'through' } }));
  await until(async () => (await seenBy(rig.store)).includes('through'), 'the event');
  expect(rig.broker.connected()).toBe(false);
  expect([...new Set(refusals().map(({ fields }) => fields.queue))].sort()).toEqual([DROPPED, TAKEN]);
  for (const each of give) await each();
  await until(() => rig.broker.connected(), 'the queue');
  await rig.close();
  await seen.channel.deleteQueue(TAKEN);
});

test('a stop that comes while a refused queue is asked again waits for no answer that never comes', async () => {
  await seen.channel.assertQueue(TAKEN, consumerQueue({ url: '', queue_type: 'classic' }));
  for (let round = 0; round < 10; round++) {
    const give = await hold(TAKEN);
    rig = await takenRig(1);
    rig.start();
    await until(() => refusals().length > 0, 'the refusal');
    await give();
    // the moment from which it calls itself connected, and not the next time somebody looks
    while (!rig.broker.connected()) await new Promise((resolve) => setImmediate(resolve));
    await rig.close();
  }
  await seen.channel.deleteQueue(TAKEN);
});

test('a forged dead letter is counted under no name of its own, and ends no counting', async () => {
  await open();
  const forged = { 'x-death': 5, 'x-first-death-reason': 'maxlen' };
  for (const n of [1, 2]) {
    seen.channel.publish(DEAD, `made-up-${n}`, Buffer.from('odd'), { headers: forged });
    await until(() => rig.counts.get('perfect21_queue_messages_total queue=other result=dropped') === n, 'its count');
  }
});

test('a message whose consumer went away is tried again and its try is counted', async () => {
  await open();
  publish(envelope({ data: { text: 'survivor' } }));
  const dying = await observer(url);
  for (let deaths = 1; deaths <= 2; deaths++) {
    await until(() => dying.channel.get(QUEUE), 'the message');
    await dying.channel.recover();
  }
  await dying.close();
  rig.start();
  await until(async () => (await seenBy(rig.store)).length === 1, 'the message');
  const counted = `perfect21_queue_messages_total queue=${QUEUE} result=redelivered`;
  await until(() => rig.counts.get(counted) === 1, 'the count');
});

test('a stop lets handlers finish and gives the rest back', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = 0;
  await open(() => {
    begun++;
    return held;
  });
  for (const text of ['one', 'two', 'three']) publish(envelope({ data: { text } }));
  await seen.channel.checkQueue(QUEUE);
  const worker = rig.start({ prefetch: 1 });
  await until(() => begun === 1, 'the first handler');
  const stopped = worker.stop();
  release();
  await stopped;
  expect(begun).toBe(1);
  expect((await seenBy(rig.store)).length).toBe(1);
  expect((await seen.channel.checkQueue(QUEUE)).messageCount).toBe(2);
});

test('a removed queue is declared again, and its consumer goes on', async () => {
  await open();
  rig.start();
  await until(async () => (await seen.channel.checkQueue(QUEUE)).consumerCount === 1, 'the consumer');
  await seen.channel.deleteQueue(QUEUE);
  await until(() => !rig.broker.connected(), 'the loss');
  await until(() => rig.broker.connected(), 'the return');
  await rig.note('after');
  await until(async () => (await seenBy(rig.store)).length === 1, 'the event');
});
