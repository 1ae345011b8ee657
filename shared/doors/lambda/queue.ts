/**
 * The Lambda door of events: an SQS queue brings batches, each record is handled by itself.
 *
 * A record whose handling failed is named in `batchItemFailures`, so that SQS brings only that one again, after the wait
 * of its try; what no further try can mend is parked with the reason (retries.ts).
 */
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { Context } from '../../kit/context.ts';
import { type AppError, toAppError, toBatchVerdict } from '../../kit/errors.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import type { Operation } from '../../kit/operation.ts';
import { hostPorts } from '../../kit/reach.ts';
import { serviceOf } from '../../kit/service-name.ts';
import { continueTrace } from '../../kit/trace.ts';
import type { AnyEnvelope } from '../../messaging/envelope.ts';
import { observeAge, observeHandling } from '../../messaging/measures.ts';
import type { QueueLimits } from '../../messaging/topology.ts';
import type { Trace } from '../../ports/tracer.ts';
import { type Choose, container } from './container.ts';
import { deadlineOf, inSubsegment, stack } from './lambda.ts';
import { readEnvelope } from './record.ts';
import { parkExpired, seeTo } from './retries.ts';

const isQueueEvent = (event: unknown): event is SQSEvent => {
  const records = (event as SQSEvent | undefined)?.Records;
  return Array.isArray(records) && records.every(({ eventSource }) => eventSource === 'aws:sqs');
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

/** What a record was about, for the log and for who sees to it. */
interface Handled {
  result: 'done' | 'ignored' | 'unknown' | 'retry' | 'park';
  /** Why it was not done. */
  error?: AppError;
}

/** Hands an envelope to every operation that subscribed to its type, one after the other. Never throws. */
const deliver = async (
  host: Host,
  ops: readonly Operation<any, any>[],
  record: SQSRecord,
  deadline: number,
  types: ReadonlySet<string> | undefined,
): Promise<Handled> => {
  const { log } = host.ports;
  const attempt = Number(record.attributes.ApproximateReceiveCount);
  const queue = ops[0]?.subscription?.queue ?? '';
  let operation: string | undefined;
  let envelope: AnyEnvelope | undefined;
  let trace: Trace | undefined;
  try {
    envelope = readEnvelope(record.body);
    const { message_id, message_type, correlation_id: request_id = message_id } = envelope;
    observeAge(host.ports, queue, envelope, attempt);
    const { tracer } = host.ports;
    trace = continueTrace(envelope.metadata?.traceparent);
    if (tracer) trace = { ...trace, tracer };
    const caller = { kind: 'service', name: 'events', permissions: [] } as const;
    const context: Context = { request_id, trace, caller, client: {}, door: 'queue', attempt, deadline };
    const handlers = ops.filter(({ subscription }) => subscription?.types.includes(message_type));
    await inSubsegment(`process ${queue}`, { message_id, message_type, trace_id: trace.trace_id }, async () => {
      for (const op of handlers) {
        operation = op.name;
        await invoke(host, op, envelope, context);
      }
    });
    if (handlers.length > 0) return { result: 'done' };
    if (!types || types.has(message_type)) return { result: 'ignored' };
    log.warn('queue.unknown_type', { queue, message_id, message_type, request_id, trace_id: trace.trace_id });
    return { result: 'unknown' };
  } catch (thrown) {
    const error = toAppError(thrown);
    const verdict = toBatchVerdict(error);
    log.error('event.failed', {
      operation,
      message_id: envelope?.message_id ?? record.messageId,
      message_type: envelope?.message_type,
      request_id: envelope?.correlation_id ?? envelope?.message_id,
      trace_id: trace?.trace_id,
      attempt,
      code: error.code,
      verdict,
      cause: error.cause ?? error,
    });
    return { result: verdict, error };
  }
};

/**
 * The handler of a queue's function: all operations that subscribe to the queue, which have to take a second delivery.
 *
 * @param options.message_ttl ms that a record may wait
 * @param options.types all types of the platform: others are unknown, told in the log and passed over
 * @throws TypeError for an event that does not come from SQS
 * @example export const handler = lambdaQueue([onUserLogin], ({ store }) => [systemClock, dynamodbStore(schema)]);
 */
export const lambdaQueue = (
  ops: readonly Operation<any, any>[],
  choose: Choose,
  { message_ttl, types }: Pick<QueueLimits, 'message_ttl'> & { types?: readonly string[] } = {},
) => {
  const known = types && new Set(types);
  const ports = new Set(ops.flatMap((op) => [...hostPorts({ ...op, access: 'public' })]));
  const open = container([...ports.add('metrics')], choose);
  const service = serviceOf(ops[0]!);
  const queue = ops[0]!.subscription?.queue ?? '';
  const stacked = stack(service, async (event: unknown, context): Promise<SQSBatchResponse> => {
    if (!isQueueEvent(event)) {
      throw new TypeError(`${ops.map(({ name }) => name).join(', ')} takes batches of SQS, and nothing else`);
    }
    const host = await open();
    const deadline = deadlineOf(host, context);
    const outcomes = await Promise.allSettled(
      event.Records.map(
        inTurn(async (record) => {
          if (await parkExpired(host, record, queue, message_ttl)) return;
          const started = performance.now();
          const { result, error } = await deliver(host, ops, record, deadline, known);
          observeHandling(host.ports, queue, result, started);
          const parked = error && (await seeTo(host, record, queue, error));
          const counted = error ? (parked ? 'parked' : 'retried') : result;
          host.ports.metrics.count('perfect21_queue_messages_total', { queue, result: counted });
          if (error && !parked) throw error;
        }),
      ),
    );
    const failed = event.Records.filter((_, n) => outcomes[n]!.status === 'rejected');
    return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
  });
  return Object.assign(stacked, { open });
};
