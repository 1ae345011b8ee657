/** A delivery as a span, below the one that sent the event: an event has one trace from its cause to its last effect. */

import type { Span, Tracer } from '../ports/tracer.ts';
import type { AnyEnvelope } from './envelope.ts';

/** Begins the span of a consumer; none where nothing is traced. `attempts` counts this one. */
export const consuming = (
  tracer: Tracer | undefined,
  queue: string,
  { message_id, message_type, metadata }: AnyEnvelope,
  attempts: number,
): Span | undefined =>
  tracer?.start(`process ${queue}`, 'consumer', metadata?.traceparent, {
    'messaging.system': tracer.system.bus,
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'process',
    'messaging.destination.name': queue,
    'messaging.message.id': message_id,
    'perfect21.message_type': message_type,
    'perfect21.attempt': attempts,
  });
