/** What records spans in a process. */
import type { Config } from '../config/config.ts';
import type { Adapter } from '../kit/adapter.ts';

/** The adapter of the collector that is named; none, and nothing of OpenTelemetry loaded, where none is. */
export const tracersFor = async ({ tracing }: Pick<Config, 'tracing'>): Promise<Adapter<any, any>[]> =>
  tracing ? [(await import('../tracing/otlp.ts')).otlpTracer] : [];
