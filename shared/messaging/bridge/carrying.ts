/** A message of either side through the operation that carries, and what is to become of it. The same in every door. */
import { carry } from '../../../functions/bridge/carry.ts';
import type { Context } from '../../kit/context.ts';
import { toAppError, toBatchVerdict } from '../../kit/errors.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import { continueTrace, traceparent } from '../../kit/trace.ts';
import type { Side } from '../../ports/crossing.ts';
import type { Span } from '../../ports/tracer.ts';
import { readOutboxBody } from '../bus.ts';
import { consuming } from '../consuming.ts';
import type { AnyEnvelope } from '../envelope.ts';
import type { Delivery, Queue, Verdict } from '../queue.ts';

/** RabbitMQ's queue of the bridge, bound to everything. */
export const TO_EVENTBRIDGE = 'bridge.to_eventbridge';
/** EventBridge's: an SQS queue of the stack. That of a process has a name of its own, by BRIDGE_URL. */
export const TO_RABBITMQ = 'bridge.to_rabbitmq';

/** The queue holds days of events while a side is away; what exceeds this goes to the dead letters. */
export const BRIDGE_LIMITS = {
  message_ttl: 4 * 86_400_000,
  max_length: 1_000_000,
  waiting: 'events wait at their own side until it is there',
} as const;

/** What consumers of the other side do is below what the bridge did. */
const below = (envelope: AnyEnvelope, { trace }: Span): AnyEnvelope => ({
  ...envelope,
  metadata: { ...envelope.metadata, traceparent: traceparent(trace) },
});

/** Carries what `side` delivered. Never throws: a message whose fate is not known is to be tried again. */
export const carrying =
  (side: Side) =>
  async (host: Host, { body, attempts }: Delivery, deadline: number): Promise<Verdict> => {
    const { log, metrics } = host.ports;
    const event = readOutboxBody(body);
    if (!event) return { kind: 'park', reason: 'invalid envelope' };
    const { envelope, routing_key, priority } = event;
    const span = consuming(host.ports.tracer, side === 'rabbitmq' ? TO_EVENTBRIDGE : TO_RABBITMQ, envelope, attempts);
    const context: Context = {
      request_id: envelope.correlation_id ?? envelope.message_id,
      trace: span?.trace ?? continueTrace(envelope.metadata?.traceparent),
      caller: { kind: 'service', name: 'bridge', permissions: [] },
      client: {},
      door: 'queue',
      deadline,
    };
    const count = (result: string): void => metrics.count('perfect21_bridge_messages_total', { side, result });
    try {
      const carried = span?.trace.sampled ? below(envelope, span) : envelope;
      const { result } = await invoke(host, carry, { side, envelope: carried, routing_key, priority }, context);
      count(result);
      span?.end();
      return { kind: 'done' };
    } catch (thrown) {
      const error = toAppError(thrown);
      const kind = toBatchVerdict(error);
      span?.end(error.code);
      count(kind === 'park' ? 'refused' : 'failed');
      log[kind === 'park' ? 'error' : 'warn']('bridge.failed', {
        side,
        message_id: envelope.message_id,
        error_code: error.code,
        attempts,
        request_id: context.request_id,
        trace_id: context.trace.trace_id,
        cause: error.cause ?? error,
      });
      return { kind, reason: [error.code, error.detail].filter(Boolean).join(': ').slice(0, 300) };
    }
  };

/** The queue as the RabbitMQ adapter consumes it. */
export const bridgeQueue: Queue = {
  name: TO_EVENTBRIDGE,
  bindings: ['#'],
  handlers: new Map(),
  take: carrying('rabbitmq'),
};

/** All that a bridge declares on RabbitMQ beside exchanges, dead letters and retry queues. */
export const bridgeTopology = { queues: [bridgeQueue], types: new Set<string>(), route: () => [bridgeQueue] };
