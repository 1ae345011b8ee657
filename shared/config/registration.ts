/** `DISCOVERY_REGISTER`: whether this process tells its registry where it is, and what. */
import { isIP } from 'node:net';
import type { DiscoveryConfig } from './discovery.ts';
import type { Environment } from './environment.ts';
import { StartError } from './start-error.ts';
import type { TlsConfig } from './tls.ts';

export interface RegistrationConfig {
  check: 'ttl' | 'grpc';
  /** Where others reach this process; `port` is its gRPC port when left out. */
  host: string;
  port?: number;
  zone?: string;
  weight: number;
}

/** No address at which anybody could be called. */
const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::';

const advertised = (text: string): { host: string; port?: number } => {
  const [, host, port] = /^\[?([^[\]/@?#\s]+?)\]?(?::(\d{1,5}))?$/.exec(isIP(text) === 6 ? `[${text}]` : text) ?? [];
  if (!host || (host.includes(':') && isIP(host) !== 6) || isWildcard(host) || Number(port ?? 1) > 65_535)
    throw new StartError('DISCOVERY_ADVERTISE is no address of this process: use <host> or <host>:<gRPC port>');
  return { host, ...(port && { port: Number(port) }) };
};

/** @param httpHost where the process listens */
export const registrationOf = (
  env: Environment,
  discovery: DiscoveryConfig,
  httpHost: string,
  tls: TlsConfig | undefined,
): RegistrationConfig | undefined => {
  const { DISCOVERY_REGISTER: check, DISCOVERY_ADVERTISE: place, DISCOVERY_ZONE: zone, DISCOVERY_WEIGHT: weight } = env;
  if (check === 'off') return undefined;
  if (discovery.registry !== 'consul')
    throw new StartError(
      'DISCOVERY_REGISTER is for consul://…: Kubernetes and ECS register what they start, and the other kinds take no registrations',
    );
  if (check === 'grpc' && tls?.required)
    throw new StartError(
      'DISCOVERY_REGISTER=grpc: the agent of Consul has no client certificate to ask with, and PERFECT21_TLS_CLIENT_AUTH=require; use ttl',
    );
  if (!place && isWildcard(httpHost))
    throw new StartError(
      `DISCOVERY_ADVERTISE is missing: say at which address others reach what listens on ${httpHost}, such as 10.0.0.7`,
    );
  return { check, ...(place ? advertised(place) : { host: httpHost }), ...(zone && { zone }), weight };
};
