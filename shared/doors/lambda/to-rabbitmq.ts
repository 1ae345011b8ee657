/**
 * The bridge to RabbitMQ as a function behind an SQS queue, which EventBridge's rule fills with all events. It is the one
 * function that speaks AMQP: its connection lives as long as the container and comes back by itself.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { bridge } from '../../../functions/bridge/index.ts';
import { loadConfig } from '../../config/config.ts';
import { StartError } from '../../config/start-error.ts';
import { AppError } from '../../kit/errors.ts';
import type { Host } from '../../kit/invoke.ts';
import { hostPorts } from '../../kit/reach.ts';
import { unitRandom } from '../../messaging/backoff.ts';
import { BRIDGE_LIMITS, bridgeTopology, carrying, TO_RABBITMQ } from '../../messaging/bridge/carrying.ts';
import { crossingOf, throughBus } from '../../messaging/bridge/crossings.ts';
import { readFrame, resultOf } from '../../messaging/bridge/from-eventbridge.ts';
import { unpackLetter } from '../../messaging/bridge/letters.ts';
import { openSqs, sqsQueue, urlOfArn } from '../../messaging/eventbridge/sqs.ts';
import type { Verdict } from '../../messaging/queue.ts';
import { openRabbit, type RabbitBroker } from '../../messaging/rabbitmq/bus.ts';
import { type Choose, container } from './container.ts';
import { deadlineOf, stack } from './lambda.ts';

/** Ms that a cold or thawed container waits for its connection. */
const CONNECT_MS = 8_000;
const PORTS = [...hostPorts({ ...bridge.operations[0]!, access: 'public' })].filter((port) => port !== 'crossing');
const take = carrying('eventbridge');

const openBroker = (host: Host): RabbitBroker => {
  const { bus } = loadConfig(process.env);
  if (bus.engine !== 'rabbitmq') throw new StartError('BUS_URL names no RabbitMQ: use amqps://…');
  return openRabbit({ ...bus, ...BRIDGE_LIMITS }, bridgeTopology, host.ports);
};

const ready = async (broker: RabbitBroker): Promise<void> => {
  for (let ms = 0; !broker.ready() && ms < CONNECT_MS; ms += 50) await sleep(50);
  if (!broker.ready()) throw new AppError('unavailable', { detail: 'RabbitMQ is away' });
};

/**
 * The handler of the function behind the bridge's SQS queue.
 *
 * @example export const handler = lambdaToRabbitmq(({ store }) => [systemClock, dynamodbStore(schema)]);
 */
export const lambdaToRabbitmq = (choose: Choose) => {
  const open = container([...PORTS, 'metrics'], choose);
  let broker: RabbitBroker | undefined;
  let client: ReturnType<typeof openSqs> | undefined;
  const stacked = stack('bridge', async (event: SQSEvent, context): Promise<SQSBatchResponse> => {
    const opened = await open();
    broker ??= openBroker(opened);
    client ??= openSqs();
    const own = broker;
    const crossing = crossingOf({ rabbitmq: throughBus(own) });
    const host: Host = { ...opened, ports: { ...opened.ports, crossing } };
    const { clock, ids, log, metrics } = host.ports;
    const sqs = await client;
    await ready(own);

    const verdictOf = async (record: SQSRecord, attempts: number): Promise<Verdict> => {
      const letter = unpackLetter(record.body);
      if (letter) {
        await own.park(letter, letter);
        return { kind: 'done' };
      }
      const sent_at = Number(record.attributes.SentTimestamp) || undefined;
      const read = readFrame({ body: record.body, sent_at }, clock.now());
      if ('poison' in read) {
        metrics.count('perfect21_queue_messages_total', { queue: TO_RABBITMQ, result: resultOf(read) });
        return { kind: 'park', reason: read.poison };
      }
      return take(host, { body: read.body, attempts }, deadlineOf(host, context));
    };
    const done = async (record: SQSRecord): Promise<boolean> => {
      const attempts = Number(record.attributes.ApproximateReceiveCount) || 1;
      const name = record.eventSourceARN.split(':').at(-1)!;
      const message = { body: record.body, receipt: record.receiptHandle, attempts };
      try {
        const url = await urlOfArn(sqs, record.eventSourceARN);
        const queue = sqsQueue(sqs, { url, dead_url: process.env.QUEUE_DEAD_URL, name });
        const verdict = await verdictOf(record, attempts);
        if (verdict.kind === 'park') await queue.park(message, verdict.reason, clock.now());
        if (verdict.kind === 'retry') await queue.retry(message, unitRandom(ids));
        return verdict.kind !== 'retry';
      } catch (cause) {
        log.warn('queue.settle_failed', { message_id: record.messageId, cause });
        return false;
      }
    };
    const outcomes = await Promise.all(event.Records.map(done));
    const failed = event.Records.filter((_, i) => !outcomes[i]);
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  });
  return Object.assign(stacked, { open, close: async () => broker?.close() });
};
