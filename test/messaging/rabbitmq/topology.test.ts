import type { ConsumeMessage } from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEAD } from '../../../shared/messaging/dead-letters.ts';
import { EVENTS, retryPlace } from '../../../shared/messaging/rabbitmq/settings.ts';
import { declare } from '../../../shared/messaging/rabbitmq/topology.ts';
import { match } from '../../../shared/messaging/topic.ts';
import { sharedRabbitmq } from '../../engines/shared-rabbitmq.ts';
import { bindings, empty, observer, until } from './rig.ts';

let url: string;
let seen: Awaited<ReturnType<typeof observer>>;
beforeAll(async () => {
  url = await sharedRabbitmq();
  seen = await observer(url);
}, 120_000);
afterAll(async () => {
  await seen?.close();
});

const settings = { url: '', queue_type: 'classic' } as const;

test('the topology can be declared again and again, also with quorum queues', async () => {
  const topology = bindings({ 'a-service.events': ['user.events.*', '#.alert'] });
  for (let times = 0; times < 3; times++) await declare(seen.channel, topology, settings);
  await seen.channel.checkExchange(EVENTS);
  expect((await seen.channel.checkQueue(DEAD)).messageCount).toBe(0);
  const other = await observer(await sharedRabbitmq());
  for (let times = 0; times < 2; times++) await declare(other.channel, topology, { url: '', queue_type: 'quorum' });
  await other.close();
});

test("with quorum queues a full queue holds up its own retries and nobody else's", async () => {
  const { channel, close } = await observer(await sharedRabbitmq());
  const quorum = { url: '', queue_type: 'quorum', max_length: 1, retry_steps: [50] } as const;
  await declare(channel, bindings({ 'full-service.events': [], 'other-service.events': [] }), quorum);
  for (let n = 0; n < 5; n++) channel.sendToQueue('full-service.events', Buffer.from('x'));
  const retry = (queue: string): void => {
    const { exchange, key } = retryPlace(quorum, 50, queue);
    channel.publish(exchange, key, Buffer.from('again'));
  };
  for (let n = 0; n < 40; n++) retry('full-service.events');
  retry('other-service.events');
  await until(async () => (await channel.checkQueue('other-service.events')).messageCount === 1, 'its retry');
  await close();
});

test('an event reaches exactly the queues whose binding matches its key, for every binding and key of a grid', async () => {
  const grow = (alphabet: string[], most: number): string[] => {
    let last = [''];
    const all: string[] = [];
    for (let n = 1; n <= most; n++) {
      last = last.flatMap((head) => alphabet.map((word) => (head ? `${head}.${word}` : word)));
      all.push(...last);
    }
    return all;
  };
  const patterns = grow(['a', 'b', '*', '#'], 3);
  const keys = grow(['a', 'b', 'c'], 4);
  const { channel } = seen;
  await channel.assertExchange('grid', 'topic', { durable: false });
  const names = await Promise.all(
    patterns.map(async (pattern) => {
      const { queue } = await channel.assertQueue('', { exclusive: true });
      await channel.bindQueue(queue, 'grid', pattern);
      return queue;
    }),
  );
  for (const key of keys) channel.publish('grid', key, Buffer.from(key));
  // a method after the last message: all of them are in their queues
  await channel.checkExchange('grid');
  for (const [at, pattern] of patterns.entries()) {
    const got = (await empty(channel, names[at]!)).map(({ content }) => content.toString());
    expect(got.sort(), pattern).toEqual(keys.filter((key) => match(pattern, key)).sort());
  }
  for (const name of names) await channel.deleteQueue(name);
}, 60_000);

test('a retried message returns to its own queue only', async () => {
  const own = { ...settings, retry_steps: [20] };
  await declare(seen.channel, bindings({ 'one-service.events': ['twin.#'], 'two-service.events': ['twin.#'] }), own);
  seen.channel.publish('perfect21.retry.20', 'one-service.events', Buffer.from('again'));
  seen.channel.publish('perfect21.retry.20', 'gone-service.events', Buffer.from('homeless'));
  const message = await new Promise<ConsumeMessage>((resolve) => {
    seen.channel.consume('one-service.events', (got) => got && resolve(got), { noAck: true });
  });
  expect(message.content.toString()).toBe('again');
  expect(await empty(seen.channel, 'two-service.events')).toEqual([]);
  // nothing is lost when the queue was removed meanwhile
  const homeless = await new Promise<ConsumeMessage>((resolve) => {
    seen.channel.consume(DEAD, (got) => got && resolve(got), { noAck: true });
  });
  expect(homeless.content.toString()).toBe('homeless');
});
