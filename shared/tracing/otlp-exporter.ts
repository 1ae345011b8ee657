/** How spans leave: as protobuf or JSON, and with a word in the log when the collector does not take them. */
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { TracingConfig } from '../config/tracing.ts';
import type { Ports } from '../ports/index.ts';
import { type Batch, Batches, type SpanWriter } from './otlp-batches.ts';
import { ProtobufSpans } from './otlp-protobuf.ts';
import type { RecordedSpan, Source } from './otlp-span.ts';

const DROPPED = 'perfect21_spans_dropped_total';
const [REFUSED, CROWDED] = [Object.freeze({ reason: 'refused' }), Object.freeze({ reason: 'crowded' })];

/** Of an export that the collector took. */
const SUCCESS = 0;

/** Keeps spans until they are written together, by OpenTelemetry's serializer. */
class JsonSpans implements SpanWriter {
  #spans: RecordedSpan[] = [];
  get count(): number {
    return this.#spans.length;
  }
  put(span: RecordedSpan): void {
    this.#spans.push(span);
  }
  take(): Uint8Array {
    const spans = this.#spans;
    this.#spans = [];
    return JsonTraceSerializer.serializeRequest(spans)!;
  }
}

/**
 * Sends spans of a process where its configuration says. Headers, timeout, compression and certificates are what
 * `OTEL_EXPORTER_OTLP_…` says of them: OpenTelemetry's exporter reads those itself.
 */
export const exporterOf = (
  { protocol, url, batches: config }: TracingConfig,
  source: Source,
  { log, metrics }: Pick<Ports, 'log' | 'metrics'>,
): { ended(span: RecordedSpan): void; close(): Promise<void> } => {
  const json = protocol === 'http/json';
  const { deserializeResponse } = json ? JsonTraceSerializer : ProtobufTraceSerializer;
  const type = json ? 'application/json' : 'application/x-protobuf';
  const options = convertLegacyHttpOptions({ url }, 'TRACES', 'v1/traces', { 'Content-Type': type });
  const delegate = createOtlpHttpExportDelegate<Batch, object>(
    options,
    { serializeRequest: ({ request }) => request, deserializeResponse },
    'otlp_http_span_exporter',
    { name: 'span', countItems: ({ count }) => count },
    undefined,
  );
  let failing = false;
  /** Hears when the collector begins to fail and when it takes spans again. */
  const heard = ({ count }: Batch, failed: boolean, cause?: unknown): void => {
    if (failed) metrics.count(DROPPED, REFUSED, count);
    if (failed && !failing) log.warn('tracing.export_failed', { spans: count, cause });
    if (!failed && failing) log.info('tracing.export_recovered');
    failing = failed;
  };
  const send = (batch: Batch): Promise<void> =>
    new Promise<{ code: number; error?: Error }>((done) => delegate.export(batch, done)).then(
      ({ code, error }) => heard(batch, code !== SUCCESS, error),
      // what an exporter throws must end no process
      (thrown: unknown) => heard(batch, true, thrown),
    );
  const dropped = (): void => metrics.count(DROPPED, CROWDED);
  const batches = new Batches(config, json ? new JsonSpans() : new ProtobufSpans(source), send, dropped);
  return {
    ended: (span) => batches.put(span),
    close: async () => {
      await batches.close();
      await delegate.shutdown();
    },
  };
};
