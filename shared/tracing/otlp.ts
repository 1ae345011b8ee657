/**
 * Spans through OpenTelemetry's SDK to a collector, by OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/).
 *
 * With otlp-exporter.ts the only importer of `@opentelemetry`, loaded only where a collector is named (shared/process/host.ts).
 */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace as traces } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TracingConfig } from '../config/tracing.ts';
import { adapter } from '../kit/adapter.ts';
import { continueTrace, readTraceparent } from '../kit/trace.ts';
import type { Log } from '../ports/log.ts';
import type { Span, Trace, Tracer } from '../ports/tracer.ts';
import { exporterOf } from './otlp-exporter.ts';

/** Ms that a stop waits for the collector to take what is left. */
const FLUSH_MS = 3_000;
/** Longer values are cut: names and templates of ours are shorter. */
const VALUE = 256;

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** By the names of `OTEL_TRACES_SAMPLER`. */
const samplerOf = ({ sampler, ratio }: TracingConfig): Sampler => {
  const [, parentBased, name] = /^(parentbased_)?(\w+)$/.exec(sampler)!;
  const root =
    name === 'always_on'
      ? new AlwaysOnSampler()
      : name === 'always_off'
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio);
  return parentBased ? new ParentBasedSampler({ root }) : root;
};

const parentOf = (parent: string | Trace | undefined) => {
  const read = typeof parent === 'string' ? readTraceparent(parent) : parent;
  if (!read) return ROOT_CONTEXT;
  const { trace_id: traceId, span_id: spanId, sampled } = read;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return traces.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: typeof parent === 'string' });
};

const nothing = (): void => {};
const unrecorded = (trace: Trace): Span => ({ trace: { ...trace, sampled: false }, set: nothing, end: nothing });

/**
 * Opens a tracer.
 *
 * @example const { port, close } = await openTracer(config.tracing, { store: 'sqlite', bus: 'rabbitmq' }, log);
 */
export const openTracer = async (
  config: TracingConfig,
  system: Tracer['system'],
  log: Log,
): Promise<{ port: Tracer; close: () => Promise<void> }> => {
  const sampler = samplerOf(config);
  // of a trace that begins here and is recorded: the id that it was chosen by
  let chosen: string | undefined;
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': config.service_name }))
      .merge(detectResources({ detectors: [resourceAttributesEnvDetector] })),
    sampler,
    idGenerator: {
      generateTraceId: () => chosen ?? continueTrace().trace_id,
      generateSpanId: () => continueTrace().span_id,
    },
    spanLimits: { attributeValueLengthLimit: VALUE },
    spanProcessors: [new BatchSpanProcessor({ exporter: await exporterOf(config, log) })],
  });
  const sdk = provider.getTracer('perfect21');
  const port: Tracer = {
    system,
    start: (name, kind, parent, attributes) => {
      const context = parentOf(parent);
      chosen = undefined;
      if (typeof parent !== 'object') {
        const begun = continueTrace(parent);
        const judged = sampler.shouldSample(context, begun.trace_id, name, KINDS[kind], attributes ?? {}, []);
        // most requests: nothing is made for them
        if (judged.decision === SamplingDecision.NOT_RECORD) return unrecorded(begun);
        chosen = begun.trace_id;
      }
      const span = sdk.startSpan(name, { kind: KINDS[kind], attributes }, context);
      const { traceId, spanId, traceFlags } = span.spanContext();
      const sampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
      const above = typeof parent === 'string' ? readTraceparent(parent)?.span_id : parent?.span_id;
      return {
        trace: {
          trace_id: traceId,
          span_id: spanId,
          ...(above !== undefined && { parent_id: above }),
          sampled,
          ...(sampled && { tracer: port }),
        },
        set: (more) => void span.setAttributes(more),
        end: (error, failed = true) => {
          if (error !== undefined) {
            span.setAttribute('error.type', error);
            if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end();
        },
      };
    },
  };
  const close = async (): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS);
    });
    // what the collector did not take is lost, and was logged
    await Promise.race([provider.shutdown().catch(() => {}), late]);
    clearTimeout(timer);
  };
  return { port, close };
};

const STORES = { sqlite: 'sqlite', postgres: 'postgresql', dynamodb: 'aws.dynamodb' } as const;
const BUSES = { embedded: 'perfect21', rabbitmq: 'rabbitmq', eventbridge: 'aws.eventbridge' } as const;

export const otlpTracer = adapter({
  port: 'tracer',
  needs: ['log'],
  open: ({ log }, { tracing, store, bus }) => {
    if (!tracing) throw new Error('no collector is named');
    return openTracer(tracing, { store: STORES[store.engine], bus: BUSES[bus.engine] }, log);
  },
});
