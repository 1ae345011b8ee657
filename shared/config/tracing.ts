/** OpenTelemetry's own variables: whether spans are sent, and which. */
import { isAddress } from './address.ts';
import type { Environment } from './environment.ts';
import { SERVICES } from './generated/service-names.ts';
import type { ServiceName } from './services.ts';
import { StartError } from './start-error.ts';

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** How spans leave: so many at a time, or when the first of them has waited for so long. When so many wait, none is added. */
export interface BatchConfig {
  most: number;
  delay_ms: number;
  waiting: number;
}

/** Spans by OTLP over HTTP; `ratio` is for the samplers that take one, `url` where they are posted to. */
export interface TracingConfig {
  url: string;
  protocol: 'http/protobuf' | 'http/json';
  sampler: (typeof SAMPLERS)[number];
  ratio: number;
  service_name: string;
  batches: BatchConfig;
}

type Count = 'OTEL_BSP_SCHEDULE_DELAY' | 'OTEL_BSP_MAX_QUEUE_SIZE' | 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE';

/** By default four times what OpenTelemetry's own take at once: to a process a request costs the same, whatever it carries. */
const batchesOf = (env: Environment): BatchConfig => {
  const count = (name: Count, most: number): number => {
    if (!/^\d+$/.test(env[name])) throw new StartError(`${name} is no number: use one from 1 to ${most}`);
    // a whole fleet may have been told more than one process does well with, or 0 for at once
    return Math.max(1, Math.min(Number(env[name]), most));
  };
  const waiting = count('OTEL_BSP_MAX_QUEUE_SIZE', 100_000);
  const most = Math.min(count('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 8_192), waiting);
  return { most, waiting, delay_ms: count('OTEL_BSP_SCHEDULE_DELAY', 600_000) };
};

/** OpenTelemetry's own variables (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). */
export const tracingOf = (env: Environment, services: readonly ServiceName[]): TracingConfig | undefined => {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = env;
  const off = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none';
  if (off || (!base && !own)) return undefined;
  const url = own ?? `${base!.replace(/\/$/, '')}/v1/traces`;
  // the URL may hold a password
  if (!/^https?:\/\/./.test(url) || !isAddress(url))
    throw new StartError('OTEL_EXPORTER_OTLP_ENDPOINT is no address of a collector: use http://… or https://…');
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json')
    throw new StartError('OTEL_EXPORTER_OTLP_PROTOCOL names no protocol of ours: use http/protobuf or http/json');
  const sampler = SAMPLERS.find((each) => each === env.OTEL_TRACES_SAMPLER);
  if (!sampler) throw new StartError(`OTEL_TRACES_SAMPLER names no known sampler: use ${SAMPLERS.join(', ')}`);
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG);
  if (!(ratio >= 0 && ratio <= 1))
    throw new StartError('OTEL_TRACES_SAMPLER_ARG is no share: use a number from 0 to 1');
  const service_name = env.OTEL_SERVICE_NAME ?? (services.length === 1 ? SERVICES[services[0]!] : 'perfect21');
  return { url, protocol, sampler, ratio, service_name, batches: batchesOf(env) };
};
