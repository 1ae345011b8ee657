/** Events as they pass RabbitMQ: a queue that goes away with its connection gets a copy of each. */
import type { ConsumeMessage } from 'amqplib';
import { toEnvelope } from '../envelope.ts';
import { aborted, type Passing } from '../operate.ts';
import type { Session } from './session.ts';
import { EVENTS, HEADER } from './settings.ts';

/** Events that wait for a slow terminal; then the oldest are passed over. */
const LENGTH = 10_000;

/** Undefined for what is no event. */
const passingOf = ({ content, fields, properties }: ConsumeMessage): Passing | undefined => {
  try {
    const { data: envelope } = toEnvelope(JSON.parse(content.toString('utf8')));
    if (!envelope) return undefined;
    // a delay changes the key that AMQP shows
    const key = properties.headers?.[HEADER.key];
    const routing_key = typeof key === 'string' ? key : fields.routingKey;
    return { routing_key, priority: properties.priority ?? 0, envelope };
  } catch {
    return undefined;
  }
};

/** Shows events until the signal. See BusOperations.tail. */
export const tail = async (
  { channel }: Session,
  binding: string,
  show: (event: Passing) => void,
  signal: AbortSignal,
  ready: () => void,
): Promise<void> => {
  const { queue } = await channel.assertQueue('', {
    exclusive: true,
    durable: false,
    autoDelete: true,
    arguments: { 'x-max-length': LENGTH },
  });
  await channel.bindQueue(queue, EVENTS, binding);
  const ended = new Promise<never>((_, reject) => {
    channel.on('close', () => reject(new Error('the channel was closed')));
    const take = (message: ConsumeMessage | null): void => {
      if (!message) reject(new Error('RabbitMQ ended the tail'));
      const event = message && passingOf(message);
      if (event && !signal.aborted) show(event);
    };
    channel.consume(queue, take, { noAck: true }).then(ready, reject);
  });
  await Promise.race([aborted(signal), ended]);
  ended.catch(() => {});
};
