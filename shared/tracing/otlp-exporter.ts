/** How spans leave: as protobuf or JSON, and with a word in the log when the collector does not take them. */
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { TracingConfig } from '../config/tracing.ts';
import type { Log } from '../ports/log.ts';

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

/**
 * The exporter of a configuration. Headers, timeout, compression and certificates are what `OTEL_EXPORTER_OTLP_…` says of
 * them: OpenTelemetry's exporter reads those itself.
 */
export const exporterOf = async ({ protocol, url }: TracingConfig, log: Log): Promise<SpanExporter> => {
  const { OTLPTraceExporter } =
    protocol === 'http/json'
      ? await import('@opentelemetry/exporter-trace-otlp-http')
      : await import('@opentelemetry/exporter-trace-otlp-proto');
  return watched(new OTLPTraceExporter({ url }), log);
};
