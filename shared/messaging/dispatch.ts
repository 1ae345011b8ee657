/** One message to the operations that handle its type, and what is to become of it. */
import type { Context } from '../kit/context.ts';
import { type AppError, toAppError, toBatchVerdict } from '../kit/errors.ts';
import { type Host, invoke } from '../kit/invoke.ts';
import { continueTrace } from '../kit/trace.ts';
import type { Trace } from '../ports/tracer.ts';
import { MAX_ATTEMPTS } from './backoff.ts';
import { readOutboxBody } from './bus.ts';
import { consuming } from './consuming.ts';
import type { AnyEnvelope } from './envelope.ts';
import { idsOfEvent } from './line-ids.ts';
import { observeAge, observeHandling } from './measures.ts';
import type { Delivery, Queue, Verdict } from './queue.ts';
import type { Topology } from './topology.ts';

/** The code, and the names of the fields at fault; never their values. */
const reasonOf = (error: AppError): string => [error.code, ...(error.errors ?? []).map(({ path }) => path)].join(' ');

const contextOf = (
  { message_id, correlation_id }: AnyEnvelope,
  trace: Trace,
  deadline: number,
  { durability, attempts: attempt }: Delivery,
): Context => ({
  request_id: correlation_id ?? message_id,
  trace,
  caller: { kind: 'service', name: 'bus', permissions: [] },
  client: {},
  door: 'queue',
  attempt,
  deadline,
  ...(durability && { durability }),
});

const decide = async (
  host: Host,
  queue: Queue,
  topology: Topology,
  message: Delivery,
  deadline: number,
): Promise<Verdict> => {
  if (message.attempts > MAX_ATTEMPTS) return { kind: 'park', reason: message.reason ?? 'its consumers died with it' };
  if (queue.take) return queue.take(host, message, deadline);
  const envelope = readOutboxBody(message.body)?.envelope;
  if (!envelope) return { kind: 'park', reason: 'invalid envelope' };
  if (!topology.types.has(envelope.message_type)) {
    const { message_type } = envelope;
    host.ports.log.warn('queue.unknown_type', { queue: queue.name, ...idsOfEvent(envelope), message_type });
    return { kind: 'unknown' };
  }
  const handlers = queue.handlers.get(envelope.message_type);
  if (!handlers) return { kind: 'ignored' };
  observeAge(host.ports, queue.name, envelope, message.attempts);
  const span = consuming(host.ports.tracer, queue.name, envelope, message.attempts);
  const trace = span?.trace ?? continueTrace(envelope.metadata?.traceparent);
  const context = contextOf(envelope, trace, deadline, message);
  for (const handler of handlers) {
    try {
      await invoke(host, handler, envelope, context);
    } catch (thrown) {
      const error = toAppError(thrown);
      const kind = toBatchVerdict(error);
      host.ports.log[kind === 'park' ? 'error' : 'warn']('handler.failed', {
        operation: handler.name,
        message_id: envelope.message_id,
        error_code: error.code,
        attempts: message.attempts,
        request_id: context.request_id,
        trace_id: context.trace.trace_id,
        cause: error.cause ?? error,
      });
      span?.end(error.code);
      return { kind, reason: reasonOf(error) };
    }
  }
  span?.end();
  return { kind: 'done' };
};

/**
 * Invokes every handler, each with the rights of a service and none more, in a span below the event's. The message is
 * done when all are.
 */
export const dispatch = async (
  host: Host,
  queue: Queue,
  topology: Topology,
  message: Delivery,
  deadline: number,
): Promise<Verdict> => {
  const started = performance.now();
  const verdict = await decide(host, queue, topology, message, deadline);
  observeHandling(host.ports, queue.name, verdict.kind, started);
  return verdict;
};
