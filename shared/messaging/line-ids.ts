/** What a line of the log says of an event: its id, the request that caused it, its trace. */
import { readTraceparent } from '../kit/trace.ts';
import { readOutboxBody } from './bus.ts';
import type { AnyEnvelope } from './envelope.ts';

export const idsOfEvent = ({ message_id, correlation_id, metadata }: AnyEnvelope) => {
  const trace = readTraceparent(metadata?.traceparent);
  return { message_id, request_id: correlation_id ?? message_id, ...(trace && { trace_id: trace.trace_id }) };
};

/** The same of what lies in an outbox or a queue; nothing of a body that is no event. */
export const idsOfBody = (body: unknown): Partial<ReturnType<typeof idsOfEvent>> => {
  const event = readOutboxBody(body);
  return event ? idsOfEvent(event.envelope) : {};
};
