/**
 * The Lambda door of events: an SQS queue brings batches, each record is handled by itself.
 *
 * A record whose handling failed is named in `batchItemFailures`, so that SQS brings only that one again, after the wait
 * of its try; what no further try can mend is parked with the reason (lambda-retries.ts).
 */
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { AppError, toAppError, toBatchVerdict } from '../errors.ts';
import { type Host, invoke } from '../invoke.ts';
import { type AnyEnvelope, toEnvelope } from '../messaging/envelope.ts';
import type { QueueLimits } from '../messaging/topology.ts';
import { observeAge, observeHandling } from '../metrics/events.ts';
import { hostPorts, type Operation } from '../operation.ts';
import { continueTrace } from '../tracing/trace.ts';
import { deadlineOf, stack } from './lambda.ts';
import { type Choose, container } from './lambda-container.ts';
import { parkExpired, seeTo } from './lambda-retries.ts';

const isQueueEvent = (event: unknown): event is SQSEvent => {
  const records = (event as SQSEvent | undefined)?.Records;
  return Array.isArray(records) && records.every(({ eventSource }) => eventSource === 'aws:sqs');
};

/**
 * The envelope in a record: EventBridge's `detail` or the envelope itself.
 *
 * @throws AppError `invalid_request` when there is none
 */
export const readEnvelope = (body: string): AnyEnvelope => {
  let carried: unknown;
  try {
    carried = JSON.parse(body);
  } catch (cause) {
    throw new AppError('invalid_request', { detail: 'The record is not JSON', cause });
  }
  const { detail = carried } = (carried ?? {}) as { detail?: unknown };
  const parsed = toEnvelope(detail);
  if (parsed.success) return parsed.data;
  throw new AppError('invalid_request', { detail: 'The record carries no envelope', cause: parsed.error });
};

/** What records have in common that are not handled at once: deliveries of one event, and events of one user. */
const sameness = ({ body, messageId }: SQSRecord): string => {
  try {
    const { message_id, user_id } = readEnvelope(body);
    return user_id ?? message_id;
  } catch {
    return messageId;
  }
};

/**
 * Runs `handle` for records at once, but for those of one event or user one after the other: the second then finds what
 * the first one did, where both at once would meet each other's writes, and one of them fail and lose a try.
 */
const inTurn = (handle: (record: SQSRecord) => Promise<void>) => {
  const turns = new Map<string, Promise<void>>();
  return (record: SQSRecord): Promise<void> => {
    const key = sameness(record);
    const turn = (turns.get(key) ?? Promise.resolve()).catch(() => undefined).then(() => handle(record));
    turns.set(key, turn);
    return turn;
  };
};

/** Hands an envelope to every operation that subscribed to its type, one after the other. */
const deliver = async (host: Host, ops: readonly Operation<any, any>[], record: SQSRecord, deadline: number) => {
  const { log, ids, metrics } = host.ports;
  const attempt = Number(record.attributes.ApproximateReceiveCount);
  const queue = ops[0]?.subscription?.queue ?? '';
  const started = performance.now();
  let operation: string | undefined;
  let envelope: AnyEnvelope | undefined;
  try {
    envelope = readEnvelope(record.body);
    observeAge(host.ports, queue, envelope, attempt);
    const trace = continueTrace(envelope.metadata?.traceparent);
    for (const op of ops) {
      if (!op.subscription?.types.includes(envelope.message_type)) continue;
      operation = op.name;
      await invoke(host, op, envelope, {
        request_id: envelope.correlation_id ?? ids.uuid(),
        trace,
        caller: { kind: 'service', name: 'events', permissions: [] },
        client: {},
        door: 'queue',
        attempt,
        deadline,
      });
    }
    const result = operation === undefined ? 'ignored' : 'done';
    metrics.count('perfect21_queue_messages_total', { queue, result });
    observeHandling(host.ports, queue, result, started);
  } catch (thrown) {
    const error = toAppError(thrown);
    // SQS brings it again, and knows when to give it up
    metrics.count('perfect21_queue_messages_total', { queue, result: 'retried' });
    observeHandling(host.ports, queue, toBatchVerdict(error), started);
    log.error('event.failed', {
      operation,
      message_id: envelope?.message_id ?? record.messageId,
      message_type: envelope?.message_type,
      request_id: envelope?.correlation_id,
      attempt,
      code: error.code,
      verdict: toBatchVerdict(error),
      cause: error.cause ?? error,
    });
    throw error;
  }
};

/**
 * The handler of a queue's function: all operations that subscribe to the queue, which have to take a second delivery.
 *
 * @throws TypeError for an event that does not come from SQS
 * @example export const handler = lambdaQueue([onUserLogin], ({ store }) => [systemClock, dynamodbStore(schema)]);
 */
export const lambdaQueue = (
  ops: readonly Operation<any, any>[],
  choose: Choose,
  { message_ttl }: Pick<QueueLimits, 'message_ttl'> = {},
) => {
  const ports = new Set(ops.flatMap((op) => [...hostPorts({ ...op, access: 'public' })]));
  const open = container([...ports.add('metrics')], choose);
  const service = ops[0]!.name.split('.')[0]!;
  const queue = ops[0]!.subscription?.queue ?? '';
  return stack(service, async (event: unknown, context) => {
    if (!isQueueEvent(event)) {
      throw new TypeError(`${ops.map(({ name }) => name).join(', ')} takes batches of SQS, and nothing else`);
    }
    const host = await open();
    const deadline = deadlineOf(host, context);
    return processPartialResponse(
      event,
      inTurn(async (record) => {
        if (await parkExpired(host, record, queue, message_ttl)) return;
        try {
          await deliver(host, ops, record, deadline);
        } catch (thrown) {
          if (!(await seeTo(host, record, queue, toAppError(thrown)))) throw thrown;
        }
      }),
      new BatchProcessor(EventType.SQS),
      { throwOnFullBatchFailure: false },
    );
  });
};
