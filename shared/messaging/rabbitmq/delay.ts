/**
 * Delays of any length up to 77 days without a plugin: a ladder of queues whose waiting times are powers of two.
 *
 * The message's key is its delay in bits, one word each. At step i the bit decides: wait 2^i units in that step's queue
 * or go straight on. The last step leads to `perfect21.events`, where the original key counts: it travels in BCC, which
 * RabbitMQ adds to the routing keys and takes off before delivery.
 */
import type { Channel, Options } from 'amqplib';
import { once } from '../../system/once.ts';
import { DELAYED, delayedExchange } from './plugin.ts';
import { EVENTS, type RabbitSettings } from './settings.ts';
import { waitingQueue } from './topology.ts';

const UNIT_MS = 100;
const STEPS = 26;
/** No word of a routing key has a colon, so no binding of an event takes a bit for a word. */
const [WAIT, PASS] = [':1', ':0'];

/** The longest delay in ms. */
export const LONGEST_DELAY_MS = UNIT_MS * (2 ** STEPS - 1);

const stepName = (step: number): string => `perfect21.delay.${step}`;

/** Declares the ladder, once for each connection that delays something. */
const declareDelays = async (channel: Channel, settings: RabbitSettings): Promise<void> => {
  for (let step = 0; step < STEPS; step++) {
    const name = stepName(step);
    const next = step === 0 ? EVENTS : stepName(step - 1);
    // binding keys start with a wildcard for each bit that was looked at before
    const seen = '*.'.repeat(STEPS - 1 - step);
    await channel.assertExchange(name, 'topic', { durable: true });
    await channel.assertQueue(name, waitingQueue(settings, UNIT_MS * 2 ** step, next));
    await channel.bindQueue(name, name, `${seen}${WAIT}.#`);
    await channel.bindExchange(next, name, `${seen}${PASS}.#`);
  }
};

/** The longest delay in ms that the plugin keeps (an Erlang timer); what asks for more it would deliver at once. */
export const PLUGIN_DELAY_MS = 2 ** 32 - 1;

export interface Delayed {
  exchange: string;
  key: string;
  options: Options.Publish;
}

/**
 * Where to publish an event that is to arrive at its queues after a delay, in ms, rounded up to 100 on the ladder.
 *
 * @throws RangeError for a delay below zero or beyond 77 days: the outbox keeps longer ones
 */
export const delayed = (key: string, ms: number, options: Options.Publish, by: 'plugin' | 'ladder'): Delayed => {
  if (!(ms >= 0 && ms <= LONGEST_DELAY_MS)) throw new RangeError(`a delay is 0 to ${LONGEST_DELAY_MS} ms, not ${ms}`);
  // as a long: the plugin for 4.x takes no byte, which a short delay is sent as otherwise, and delivers at once
  const headers = { ...options.headers, 'x-delay': { '!': 'long', value: Math.ceil(ms) } };
  // the plugin routes when the time has come and returns every mandatory message as unroutable before
  if (by === 'plugin') return { exchange: DELAYED, key, options: { ...options, headers, mandatory: false } };
  const bits = Math.ceil(ms / UNIT_MS)
    .toString(2)
    .padStart(STEPS, '0');
  return {
    exchange: stepName(STEPS - 1),
    key: [...bits].map((bit) => (bit === '1' ? WAIT : PASS)).join('.'),
    options: { ...options, headers, BCC: key },
  };
};

/**
 * The delays of one connection: by the plugin where the server has it, else by the ladder. Either is made when the first
 * event needs it.
 *
 * @example const delays = openDelays(channel, settings); await sender.send({ ...(await delays(key, ms, options)), content });
 */
export const openDelays = (
  channel: Channel,
  settings: RabbitSettings,
): ((...event: DelayedEvent) => Promise<Delayed>) => {
  const plugin = once(() => delayedExchange(settings));
  const ladder = once(() => declareDelays(channel, settings));
  return async (key, ms, options) => {
    const by = (await plugin()) && ms <= PLUGIN_DELAY_MS ? 'plugin' : 'ladder';
    const message = delayed(key, ms, options, by);
    if (by === 'ladder') await ladder();
    return message;
  };
};

type DelayedEvent = [key: string, ms: number, options: Options.Publish];
