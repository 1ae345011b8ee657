/**
 * The bridge from RabbitMQ as a function: Amazon MQ brings batches, and takes them back whole when the function fails.
 *
 * What was carried is noted, so a batch that comes again repeats only what failed, and what stood behind it of the same
 * user. What can't be carried goes to the dead letters of RabbitMQ, once, by way of the function that speaks AMQP.
 */
import { bridge } from '../../../functions/bridge/index.ts';
import { loadConfig } from '../../config/config.ts';
import { StartError } from '../../config/start-error.ts';
import type { Host } from '../../kit/invoke.ts';
import { hostPorts } from '../../kit/reach.ts';
import { carrying, TO_RABBITMQ } from '../../messaging/bridge/carrying.ts';
import { crossingOf, throughBus } from '../../messaging/bridge/crossings.ts';
import { type Delivered, deliveredIn, isMqEvent } from '../../messaging/bridge/from-rabbitmq.ts';
import { packLetter } from '../../messaging/bridge/letters.ts';
import { letterNotes, namesOf } from '../../messaging/bridge/once.ts';
import { eventBridgeBus } from '../../messaging/eventbridge/bus.ts';
import { openSqs, type SqsQueue, sqsQueue } from '../../messaging/eventbridge/sqs.ts';
import { readMessage } from '../../messaging/rabbitmq/message.ts';
import { type Choose, container } from './container.ts';
import { deadlineOf, stack } from './lambda.ts';

const PORTS = [...hostPorts({ ...bridge.operations[0]!, access: 'public' })].filter((port) => port !== 'crossing');
const take = carrying('rabbitmq');

/** The platform's bus, and the queue behind it that the other function reads. */
const openWays = async (): Promise<{ crossing: Host['ports']['crossing']; queue: SqsQueue }> => {
  const { bus } = loadConfig(process.env);
  const url = process.env.BRIDGE_QUEUE_URL;
  if (bus.engine !== 'eventbridge' || !url) throw new StartError('BUS_URL or BRIDGE_QUEUE_URL name no side to join');
  const crossing = crossingOf({ eventbridge: throughBus(eventBridgeBus({ name: bus.name })) });
  return { crossing, queue: sqsQueue(await openSqs(), { url, name: TO_RABBITMQ }) };
};

/**
 * The handler of the function behind `bridge.to_eventbridge`. It answers how many messages it dealt with.
 *
 * @throws Error when some could not be carried for now: the batch comes again
 * @example export const handler = lambdaToEventBridge(({ store }) => [systemClock, dynamodbStore(schema)]);
 */
export const lambdaToEventBridge = (choose: Choose) => {
  const open = container([...PORTS, 'metrics'], choose);
  let opening: ReturnType<typeof openWays> | undefined;
  const stacked = stack('bridge', async (event: unknown, context) => {
    if (!isMqEvent(event)) throw new TypeError('bridge-to-eventbridge takes batches of Amazon MQ, and nothing else');
    const opened = await open();
    opening ??= openWays();
    const { crossing, queue } = await opening;
    const host: Host = { ...opened, ports: { ...opened.ports, crossing } };
    const deadline = deadlineOf(host, context);

    const messages = deliveredIn(event);
    const names = namesOf(messages);
    const letters = letterNotes(host.ports);

    const one = async (message: Delivered, name: string): Promise<boolean> => {
      const read = readMessage(message as never);
      const verdict =
        'poison' in read ? { kind: 'park' as const, reason: read.poison } : await take(host, read, deadline);
      if (verdict.kind === 'retry') return false;
      if (verdict.kind !== 'park') return true;
      const { content, properties, queue: from } = message;
      const attempts = 'attempts' in read ? read.attempts : 0;
      const parked_at = new Date(host.ports.clock.now()).toISOString();
      const letter = packLetter({ content, properties, attempts, reason: verdict.reason, from, parked_at });
      await letters.once(name, () => queue.send(letter));
      return true;
    };

    // events of one user keep their order: none goes before an earlier one that failed
    const lines = Map.groupBy(messages.entries(), ([i, { properties }]) => properties.headers.user_id ?? i);
    const left = await Promise.all(
      [...lines.values()].map(async (line) => {
        for (const [done, [i, message]] of line.entries()) {
          const ok = await one(message, names[i]!).catch((cause: unknown) => {
            host.ports.log.warn('bridge.settle_failed', { cause });
            return false;
          });
          if (!ok) return line.length - done;
        }
        return 0;
      }),
    );
    const failed = left.reduce((sum, each) => sum + each, 0);
    if (failed) throw new Error(`${failed} of ${messages.length} messages could not be carried`);
    await letters.forget();
    return { taken: messages.length };
  });
  return Object.assign(stacked, { open });
};
