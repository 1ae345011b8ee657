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

/** Spans by OTLP over HTTP; `ratio` is for the samplers that take one, `url` where they are posted to. */
export interface TracingConfig {
  url: string;
  protocol: 'http/protobuf' | 'http/json';
  sampler: (typeof SAMPLERS)[number];
  ratio: number;
  service_name: string;
}

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
  return { url, protocol, sampler, ratio, service_name };
};
