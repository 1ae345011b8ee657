/** How spans leave: as protobuf or JSON, and with a word in the log when the collector does not take them. */
import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import {
  JsonTraceSerializer,
  ProtobufTraceSerializer,
  TraceExporterMetricsHelper,
} from '@opentelemetry/otlp-transformer';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import type { TracingConfig } from '../config/tracing.ts';
import type { Log } from '../ports/log.ts';
import { toProtobuf } from './otlp-protobuf.ts';
import type { RecordedSpan } from './otlp-span.ts';

/** Of an export that the collector took. */
const SUCCESS = 0;

/** Hears when the collector begins to fail and when it takes spans again. */
const watched = (exporter: SpanExporter, log: Log): SpanExporter => {
  let failing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.code !== SUCCESS;
        if (failed && !failing) log.warn('tracing.export_failed', { spans: spans.length, cause: result.error });
        if (!failed && failing) log.info('tracing.export_recovered');
        failing = failed;
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
};

const PROTOBUF = {
  ...ProtobufTraceSerializer,
  serializeRequest: (spans: ReadableSpan[]) => toProtobuf(spans as RecordedSpan[]),
};

/**
 * The exporter of a configuration. Headers, timeout, compression and certificates are what `OTEL_EXPORTER_OTLP_…` says of
 * them: OpenTelemetry's exporter reads those itself.
 */
export const exporterOf = ({ protocol, url }: TracingConfig, log: Log): SpanExporter => {
  const [type, serializer] =
    protocol === 'http/json' ? ['application/json', JsonTraceSerializer] : ['application/x-protobuf', PROTOBUF];
  const options = convertLegacyHttpOptions({ url }, 'TRACES', 'v1/traces', { 'Content-Type': type });
  const component = 'otlp_http_span_exporter';
  const delegate = createOtlpHttpExportDelegate(options, serializer, component, TraceExporterMetricsHelper, undefined);
  return watched(new OTLPExporterBase(delegate), log);
};
