/** Outbox rows on their way to the bus: one span each, which the consumers' spans continue on every bus. */

import { traceparent } from '../kit/trace.ts';
import type { OutboxBody } from '../ports/envelope.ts';
import type { Claimed } from '../ports/store.ts';
import type { Span, Tracer } from '../ports/tracer.ts';
import type { Outcome } from './bus.ts';

export interface Producing {
  /** The rows to publish: their envelopes carry the `traceparent` of their span. */
  readonly rows: readonly Claimed[];
  /** Ends the spans with what became of the rows. */
  end(outcomes: readonly Outcome[]): void;
}

/** The envelope travels with the trace, so every bus hands it on; what waits in the outbox stays as it was committed. */
const carrying = (row: Claimed, span: Span): Claimed => {
  const body = row.body as OutboxBody;
  const metadata = { ...body.envelope.metadata, traceparent: traceparent(span.trace) };
  return { ...row, body: { ...body, envelope: { ...body.envelope, metadata } } };
};

const ROUTING_KEY: Readonly<Record<string, string>> = { rabbitmq: 'messaging.rabbitmq.destination.routing_key' };

/** Begins the spans of a batch, each below the commit that its event comes from. */
export const producing = (tracer: Tracer, rows: readonly Claimed[]): Producing => {
  const spans = rows.map((row) => {
    const { envelope, routing_key } = (row.body ?? {}) as Partial<OutboxBody>;
    const parent = envelope?.metadata?.traceparent;
    // what is no event is refused by the bus, and what was committed without a trace begins none
    if (typeof parent !== 'string' || typeof routing_key !== 'string') return undefined;
    return tracer.start('send perfect21.events', 'producer', parent, {
      'messaging.system': tracer.system.bus,
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'publish',
      'messaging.destination.name': 'perfect21.events',
      [ROUTING_KEY[tracer.system.bus] ?? 'perfect21.routing_key']: routing_key,
      'messaging.message.id': row.id,
      'perfect21.attempt': row.attempts,
    });
  });
  return {
    rows: rows.map((row, at) => (spans[at]?.trace.sampled ? carrying(row, spans[at]) : row)),
    end: (outcomes) => {
      for (const [at, span] of spans.entries()) {
        const outcome = outcomes[at];
        span?.end(outcome?.kind === 'published' ? undefined : (outcome?.kind ?? 'failed'));
      }
    },
  };
};
