/** One message to the operations that handle its type, and what is to become of it. */
import type { Context } from '../context.ts';
import { type AppError, toAppError, toBatchVerdict } from '../errors.ts';
import { type Host, invoke } from '../invoke.ts';
import { observeAge, observeHandling } from '../metrics/events.ts';
import type { Claimed } from '../ports/store.ts';
import { consuming } from '../tracing/consuming.ts';
import { continueTrace, type Trace } from '../tracing/trace.ts';
import { MAX_ATTEMPTS } from './backoff.ts';
import { readOutboxBody } from './bus.ts';
import type { AnyEnvelope } from './envelope.ts';
import type { Queue, Topology } from './topology.ts';

/** `ignored`: nobody here handles this type. `unknown`: nobody on this platform knows it; a later release may. `park`: it will never work, or killed its consumers too often. */
export type Verdict =
  | { kind: 'done' | 'ignored' | 'unknown' }
  | { kind: 'retry'; reason: string }
  | { kind: 'park'; reason: string };

/** What a bus brought: a body as the outbox wrote it, and the number of this try. */
export type Delivery = Pick<Claimed, 'attempts' | 'reason' | 'body'> & Pick<Context, 'durability'>;

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
    const { message_id, message_type } = envelope;
    host.ports.log.warn('queue.unknown_type', { queue: queue.name, message_id, message_type });
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
