/** Log and metrics of a function: Powertools' logger behind our port, and metrics as lines of CloudWatch's EMF. */
import { Logger } from '@aws-lambda-powertools/logger';
import { adapter } from '../../kit/adapter.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { redact } from '../../system/redact.ts';
import { emfLines, type Measured } from './emf.ts';

let made: { service: string; logger: Logger } | undefined;

/**
 * Powertools' logger, one line of JSON an entry; the level is `LOG_LEVEL`. Its field `service` is the name that the stack of
 * this function gives (`auth-service`), as in events, metrics and traces.
 */
export const loggerOf = (service: string): Logger => {
  if (made?.service !== service) {
    made = { service, logger: new Logger({ serviceName: process.env.POWERTOOLS_SERVICE_NAME ?? service }) };
  }
  return made.logger;
};
/** What is logged before any function named its service is the platform's. */
const logger = (): Logger => made?.logger ?? loggerOf('perfect21');

const write =
  (level: 'debug' | 'info' | 'warn' | 'error') =>
  (code: string, fields: object = {}): void => {
    const { code: inner, ...rest } = redact(fields, { stack: logger().getLevelName() === 'DEBUG' }) as {
      code?: unknown;
    };
    logger()[level](code, { code, ...(inner !== undefined && { error_code: inner }), ...rest });
  };

/** The log of this container. Fields pass through the same redaction as everywhere. */
export const log: Log = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };

export const powertoolsLog = adapter({ port: 'log', env: ['LOG_LEVEL'], open: () => ({ port: log }) });

/** What was measured since the last flush. */
let measured: Measured[] = [];

const measure = (
  name: string,
  unit: Measured['unit'],
  { service = 'perfect21', ...labels }: Record<string, string>,
  value: number,
): void => {
  // a function is one operation: what is told of its requests and events tells it already, and each series costs
  if (name === 'perfect21_operation_seconds' || process.env.POWERTOOLS_METRICS_DISABLED === 'true') return;
  measured.push({ name, unit, labels: { service, ...labels }, value });
};

/** Writes what was measured. A function does it at the end of each event: a frozen container writes nothing. */
export const flushMetrics = (): void => {
  const lines = emfLines(measured, Date.now());
  measured = [];
  for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
};

let cold = true;
/** Counts the start of this container, at its first event. */
export const countColdStart = (service: string, functionName: string): void => {
  if (cold) measure('ColdStart', 'Count', { service, function_name: functionName }, 1);
  cold = false;
};

export const emfMetrics = adapter({
  port: 'metrics',
  open: () => ({
    port: {
      count: (name, labels, by = 1) => measure(name, 'Count', labels, by),
      observe: (name, labels, seconds) => measure(name, 'Seconds', labels, seconds),
      gauge: (name, labels, value) => measure(name, 'None', labels, value),
    } satisfies Metrics,
  }),
});
