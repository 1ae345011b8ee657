import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { delayed, LONGEST_DELAY_MS } from '../../../shared/messaging/rabbitmq/delay.ts';
import { sharedRabbitmq } from '../../engines/shared-rabbitmq.ts';
import { probePlatform, QUEUE } from '../rig.ts';
import { envelope, observer, type RabbitRig, rabbitRig, until } from './rig.ts';

const LATE_MS = 2_000;

let url: string;
let rig: RabbitRig;
beforeAll(async () => {
  url = await sharedRabbitmq();
  rig = await rabbitRig(url, probePlatform());
  await until(() => rig.broker.connected(), 'the connections');
}, 120_000);
afterAll(async () => {
  await rig?.close();
});

test('an event arrives once, after its delay, at the queues of its own key', async () => {
  const seen = await observer(url);
  onTestFinished(() => seen.close());
  const arrived = new Map<string, number>();
  await seen.channel.consume(
    QUEUE,
    (message) => {
      const { message_id } = JSON.parse(message!.content.toString());
      expect(message!.properties.headers).toMatchObject({ 'x-perfect21-routing-key': 'probe.events.noted' });
      expect(arrived.has(message_id)).toBe(false);
      arrived.set(message_id, performance.now());
    },
    { noAck: true },
  );
  // the ladder is declared with the first delay
  await rig.broker.send(envelope({ message_id: 'first' }), 'probe.events.noted', { delay_ms: 1 });
  const delays = [0, 100, 200, 300, 500, 700, 1_300, 1_600];
  const sent = new Map<string, number>();
  for (const delay_ms of [...delays].reverse()) {
    sent.set(`late-${delay_ms}`, performance.now());
    await rig.broker.send(envelope({ message_id: `late-${delay_ms}` }), 'probe.events.noted', { delay_ms });
  }
  await until(() => arrived.size === delays.length + 1, 'all of them');
  for (const delay_ms of delays) {
    const took = arrived.get(`late-${delay_ms}`)! - sent.get(`late-${delay_ms}`)!;
    expect(took, `${delay_ms} ms`).toBeGreaterThanOrEqual(delay_ms - 5);
    // a machine that does other things brings it later: how much is no promise
    expect(took, `${delay_ms} ms`).toBeLessThan(delay_ms + LATE_MS);
  }
});

test('a delay beyond what the ladder keeps is refused', () => {
  expect(LONGEST_DELAY_MS).toBeGreaterThan(77 * 86_400_000);
  expect(() => delayed('a.b', LONGEST_DELAY_MS + 1, {}, 'ladder')).toThrow(RangeError);
  expect(() => delayed('a.b', -1, {}, 'ladder')).toThrow(RangeError);
});

test('with the plugin the event goes to its exchange with the delay as a header', () => {
  const { exchange, key, options } = delayed('a.b', 1_500, { headers: { one: 1 } }, 'plugin');
  expect({ exchange, key, headers: options.headers, mandatory: options.mandatory }).toEqual({
    exchange: 'perfect21.delayed',
    key: 'a.b',
    headers: { one: 1, 'x-delay': { '!': 'long', value: 1_500 } },
    // it routes later and would return each
    mandatory: false,
  });
});
