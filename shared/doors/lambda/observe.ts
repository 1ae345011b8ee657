/** Log and metrics of a function: Powertools behind our ports. Metrics leave as CloudWatch EMF lines. */
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { adapter } from '../../kit/adapter.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics as MetricsPort } from '../../ports/metrics.ts';
import { redact } from '../../system/redact.ts';

/** One line of JSON an entry; the level is `LOG_LEVEL`. */
export const logger = new Logger({ serviceName: process.env.POWERTOOLS_SERVICE_NAME ?? 'perfect21' });

const instances = new Map<string, Metrics>();

/** The metrics of a service, in the namespace `perfect21`. */
export const metricsOf = (service: string): Metrics => {
  const found = instances.get(service) ?? new Metrics({ namespace: 'perfect21', serviceName: service });
  instances.set(service, found);
  return found;
};

const write =
  (level: 'debug' | 'info' | 'warn' | 'error') =>
  (code: string, fields: object = {}): void => {
    const { code: inner, ...rest } = redact(fields, { stack: logger.getLevelName() === 'DEBUG' }) as { code?: unknown };
    logger[level](code, { code, ...(inner !== undefined && { error_code: inner }), ...rest });
  };

/** The log of this container. Fields pass through the same redaction as everywhere. */
export const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };

export const powertoolsLog = adapter({ port: 'log', env: ['LOG_LEVEL'], open: () => ({ port: log }) });

/** Each set of labels is an EMF line of its own, because all metrics of a line share their dimensions. */
const emit = (
  name: string,
  unit: (typeof MetricUnit)[keyof typeof MetricUnit],
  { service = 'perfect21', ...labels }: Record<string, string>,
  value: number,
) => metricsOf(service).singleMetric().addDimensions(labels).addMetric(name, unit, value);

export const powertoolsMetrics = adapter({
  port: 'metrics',
  open: () => ({
    port: {
      count: (name, labels, by = 1) => void emit(name, MetricUnit.Count, labels, by),
      observe: (name, labels, seconds) => void emit(name, MetricUnit.Seconds, labels, seconds),
      gauge: (name, labels, value) => void emit(name, MetricUnit.NoUnit, labels, value),
    } satisfies MetricsPort,
  }),
});
