/** X-Ray through Powertools. A file of its own beside each bundle, loaded only where tracing is on (see lambda.ts). */

import { randomBytes } from 'node:crypto';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import { readTraceparent } from '../../kit/trace.ts';
import type { Tracer as SpanTracer, Trace } from '../../ports/tracer.ts';

let tracer: Tracer | undefined;

/** The tracer's middleware for a service. Answers stay out of the traces: they carry tokens. */
export const tracing = (service: string) => {
  tracer = new Tracer({ serviceName: service, captureHTTPsRequests: true });
  return captureLambdaHandler(tracer, { captureResponse: false });
};

/** Runs work as a subsegment, under which its calls stand; several at once are each their own. */
export const subsegment = async <T>(
  name: string,
  annotations: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> => {
  if (!tracer?.isTracingEnabled()) return work();
  return tracer.provider.captureAsyncFunc(name, async (segment) => {
    for (const [key, value] of Object.entries(annotations)) segment?.addAnnotation(key, value);
    try {
      const result = await work();
      segment?.close();
      return result;
    } catch (thrown) {
      segment?.close(thrown as Error);
      throw thrown;
    }
  }) as Promise<T>;
};

type Segment = NonNullable<ReturnType<Tracer['getSegment']>>;

/** X-Ray takes no other characters in a name. */
const named = (name: string): string => name.replaceAll(/[^\w .:/%&#=+@-]/g, '').slice(0, 200);

/** `1-5759e988-bd862e3fe1be46a994272793` as W3C writes it; undefined of a subsegment, which has none. */
const traceIdOf = (segment: object | undefined): string | undefined => {
  const id = (segment as { trace_id?: string } | undefined)?.trace_id ?? '';
  return /^1-[0-9a-f]{8}-[0-9a-f]{24}$/.test(id) ? id.slice(2).replace('-', '') : undefined;
};

/** The segment of the event that is under way; undefined outside of one, and where nothing is traced. */
const current = (): Segment | undefined => {
  if (!tracer?.isTracingEnabled()) return undefined;
  try {
    return tracer.getSegment();
  } catch {
    return undefined;
  }
};

/**
 * Spans as subsegments of X-Ray, below the span that they name, or below the event's own segment. A trace that a caller brought
 * keeps its id in what goes on from here, while X-Ray knows the subsegments by its own.
 */
export const xrayTracer = (system: SpanTracer['system']): SpanTracer => {
  const open = new Map<string, Segment>();
  const port: SpanTracer = {
    system,
    start: (name, kind, parent, attributes) => {
      const above = typeof parent === 'string' ? readTraceparent(parent) : (parent as Trace | undefined);
      const segment = (above && open.get(above.span_id)) ?? current();
      const traced = segment && !(segment as { notTraced?: boolean }).notTraced;
      const subsegment = traced ? (segment.addNewSubsegment(named(name)) as Segment) : undefined;
      const span_id = subsegment?.id ?? randomBytes(8).toString('hex');
      const sampled = subsegment !== undefined;
      if (subsegment) open.set(span_id, subsegment);
      const tell = (told: object): void => {
        for (const [key, value] of Object.entries(told)) subsegment?.addMetadata(key, value, 'perfect21');
      };
      tell({ 'span.kind': kind, ...attributes });
      return {
        trace: {
          trace_id: above?.trace_id ?? traceIdOf(segment) ?? randomBytes(16).toString('hex'),
          span_id,
          ...(above && { parent_id: above.span_id }),
          sampled: above?.sampled ?? sampled,
          ...(sampled && { tracer: port }),
        },
        set: tell,
        end: (error, failed = true) => {
          if (error !== undefined) {
            subsegment?.addAnnotation('error_type', error);
            if (failed) subsegment?.addFaultFlag();
            else subsegment?.addErrorFlag();
          }
          open.delete(span_id);
          subsegment?.close();
        },
      };
    },
  };
  return port;
};
