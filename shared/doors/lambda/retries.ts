/**
 * What becomes of a record that a function could not handle: it comes again after the wait of its try, as on every bus,
 * or is parked with the reason when no further try makes sense.
 *
 * A record is written to the dead letters before SQS is told that it is done, so an end between the two leaves it twice,
 * and never nowhere. What goes wrong here leaves everything to the queue: its time of being hidden, and its own limit.
 */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { type AppError, toBatchVerdict } from '../../kit/errors.ts';
import type { Host } from '../../kit/invoke.ts';
import { MAX_ATTEMPTS, unitRandom } from '../../messaging/backoff.ts';
import { openSqs, sqsQueue, urlOfArn } from '../../messaging/eventbridge/sqs.ts';
import { idsOfEvent } from '../../messaging/line-ids.ts';
import { MESSAGE_TTL_MS } from '../../messaging/topology.ts';
import { readEnvelope } from './record.ts';

let opening: Promise<SQSClient> | undefined;

/** Ids of the event in a record; SQS's own where there is none. */
const idsOf = ({ body, messageId: message_id }: SQSRecord): { message_id: string } => {
  try {
    return idsOfEvent(readEnvelope(body));
  } catch {
    return { message_id };
  }
};

/** The queue that a record came from, and the record as it knows it; undefined in an emulator, which has no QUEUE_DEAD_URL. */
const sourceOf = async (record: SQSRecord, queue: string) => {
  const dead_url = process.env.QUEUE_DEAD_URL;
  if (!dead_url) return undefined;
  opening ??= openSqs();
  const client = await opening;
  const url = await urlOfArn(client, record.eventSourceARN);
  const attempts = Number(record.attributes.ApproximateReceiveCount) || 1;
  const message = { body: record.body, receipt: record.receiptHandle, attempts };
  return { source: sqsQueue(client, { url, dead_url, name: queue }), message };
};
type Source = NonNullable<Awaited<ReturnType<typeof sourceOf>>>;

const park = async (host: Host, record: SQSRecord, queue: string, from: Source, reason: string): Promise<true> => {
  const { source, message } = from;
  await source.park(message, reason, host.ports.clock.now());
  host.ports.log.error('queue.parked', { queue, ...idsOf(record), attempts: message.attempts, reason });
  return true;
};

/**
 * Sees to a failed record. True when it was parked and is done; false when SQS is to bring it again.
 *
 * Without QUEUE_DEAD_URL it does nothing.
 */
export const seeTo = async (host: Host, record: SQSRecord, queue: string, error: AppError): Promise<boolean> => {
  const { ids, log } = host.ports;
  try {
    const from = await sourceOf(record, queue);
    if (!from) return false;
    const { attempts } = from.message;
    const reason = [error.code, ...(error.errors ?? []).map(({ path }) => path)].join(' ');
    if (toBatchVerdict(error) === 'park') return await park(host, record, queue, from, reason);
    if (attempts >= MAX_ATTEMPTS)
      return await park(host, record, queue, from, `gave up after ${attempts} tries: ${reason}`);
    await from.source.retry(from.message, unitRandom(ids));
    return false;
  } catch (cause) {
    log.warn('queue.settle_failed', { queue, ...idsOf(record), cause });
    return false;
  }
};

/**
 * Parks a record that waited longer than a message may. True when that is done; else it is to be handled after all.
 *
 * SQS itself would drop what is too old without a word, so its queues keep everything longer than this.
 */
export const parkExpired = async (
  host: Host,
  record: SQSRecord,
  queue: string,
  message_ttl = MESSAGE_TTL_MS,
): Promise<boolean> => {
  const { clock, log, metrics } = host.ports;
  if (clock.now() - Number(record.attributes.SentTimestamp) <= message_ttl) return false;
  try {
    const from = await sourceOf(record, queue);
    if (!from) return false;
    from.message.attempts -= 1;
    await park(host, record, queue, from, 'expired');
    metrics.count('perfect21_queue_messages_total', { queue, result: 'expired' });
    return true;
  } catch (cause) {
    log.warn('queue.settle_failed', { queue, ...idsOf(record), cause });
    return false;
  }
};
