/**
 * Spans to a collector, by OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/): OpenTelemetry's words,
 * samplers and exporter around spans and batches of our own.
 *
 * With its siblings `otlp-….ts` the only importer of `@opentelemetry`, loaded only where a collector is named (shared/process/host.ts).
 */
import { SpanKind } from '@opentelemetry/api';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import type { TracingConfig } from '../config/tracing.ts';
import { adapter } from '../kit/adapter.ts';
import { continueTrace } from '../kit/trace.ts';
import type { Ports } from '../ports/index.ts';
import type { Span, Trace, Tracer } from '../ports/tracer.ts';
import { exporterOf } from './otlp-exporter.ts';
import { chosenBy } from './otlp-ratio.ts';
import { type Origin, RecordedSpan, type Source } from './otlp-span.ts';

/** Ms that a stop waits for the collector to take what is left. */
const FLUSH_MS = 3_000;

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** Whether a span is recorded, by the names of `OTEL_TRACES_SAMPLER`. */
const samplerOf = ({ sampler, ratio }: TracingConfig): ((trace: Trace) => boolean) => {
  const [, parentBased, name] = /^(parentbased_)?(\w+)$/.exec(sampler)!;
  const share = name === 'traceidratio' ? chosenBy(ratio) : () => name === 'always_on';
  const chosen = ({ trace_id }: Trace): boolean => share(trace_id);
  return parentBased ? (trace) => (trace.parent_id === undefined ? chosen(trace) : trace.sampled) : chosen;
};

const nothing = (): void => {};

/**
 * Opens a tracer.
 *
 * @example const { port, close } = openTracer(config.tracing, { store: 'sqlite', bus: 'rabbitmq' }, { log, metrics });
 */
export const openTracer = (
  config: TracingConfig,
  system: Tracer['system'],
  ports: Pick<Ports, 'log' | 'metrics'>,
): { port: Tracer; close: () => Promise<void> } => {
  const isChosen = samplerOf(config);
  const source: Source = {
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': config.service_name }))
      .merge(detectResources({ detectors: [resourceAttributesEnvDetector] })),
    instrumentationScope: { name: 'perfect21' },
  };
  const exporter = exporterOf(config, source, ports);
  const origin: Origin = { ...source, ended: exporter.ended };
  const port: Tracer = {
    system,
    start: (name, kind, parent, attributes): Span => {
      const trace = continueTrace(parent);
      trace.sampled = isChosen(trace);
      // most requests: nothing is made for them
      if (!trace.sampled) return { trace, set: nothing, end: nothing };
      trace.tracer = port;
      const remote = typeof parent === 'string' && trace.parent_id !== undefined;
      return new RecordedSpan(origin, trace, name, KINDS[kind], remote, attributes);
    },
  };
  const close = async (): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS);
    });
    // what the collector did not take is lost, and was logged
    await Promise.race([exporter.close().catch(() => {}), late]);
    clearTimeout(timer);
  };
  return { port, close };
};

const STORES = { sqlite: 'sqlite', postgres: 'postgresql', dynamodb: 'aws.dynamodb' } as const;
const BUSES = { embedded: 'perfect21', rabbitmq: 'rabbitmq', eventbridge: 'aws.eventbridge' } as const;

export const otlpTracer = adapter({
  port: 'tracer',
  needs: ['log', 'metrics'],
  open: (ports, { tracing, store, bus }) => {
    if (!tracing) throw new Error('no collector is named');
    return openTracer(tracing, { store: STORES[store.engine], bus: BUSES[bus.engine] }, ports);
  },
});
