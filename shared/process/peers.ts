/** The services of the platform that run in other processes. */

import { EJECT_MS } from '../calls/discovery/ejections.ts';
import type { Remote } from '../calls/remote.ts';
import type { Config } from '../config/config.ts';
import { OWN_PORT } from '../config/services.ts';
import { StartError } from '../config/start-error.ts';
import type { ClientTls } from '../grpc/tls.ts';
import { isServiceToken } from '../keys/service-credential-records.ts';
import { streams } from '../kit/operation.ts';
import type { Service } from '../kit/service.ts';
import { serviceName } from '../kit/service-name.ts';
import type { Metrics } from '../ports/metrics.ts';
import type { Live } from '../system/live.ts';
import type { OpenHost } from './host.ts';

const FORM = 'p21s_<id>_<43 or more characters of base64url>';

/**
 * The token that this process shows to the others.
 *
 * @throws StartError when there is none, or one that nobody could take
 */
export const requireServiceToken = ({ env: { PERFECT21_SERVICE_TOKEN: token } }: Config): string => {
  if (!token)
    throw new StartError(
      'PERFECT21_SERVICE_TOKEN is missing: services that run apart prove to each other who they are with a service token',
    );
  if (!isServiceToken(token)) throw new StartError(`PERFECT21_SERVICE_TOKEN is no service token: use ${FORM}`);
  return token;
};

/**
 * Between processes whole messages go: rows one by one are for doors and for callees in the same process.
 *
 * @param here the services of this process, and their names
 * @throws StartError that names who calls whom
 */
export const requireWholeCallees = (here: readonly Service[], names: readonly string[]): void => {
  const all = here.flatMap(({ operations }) => operations);
  for (const { name, calls } of all) {
    for (const callee of Object.values(calls)) {
      const [service = ''] = callee.name.split('.');
      if (!streams(callee) || names.includes(service)) continue;
      throw new StartError(
        `${name} calls ${callee.name}, which streams rows: run both in one process (add ${service} to PERFECT21_SERVICES)`,
      );
    }
  }
};

/** A list of addresses says where everybody is whom the services of this process call. */
const unlisted = ({ discovery, services }: Config, here: readonly Service[]): string[] => {
  if (discovery.registry !== 'static') return [];
  const called = here.flatMap(({ operations }) => operations).flatMap(({ calls }) => Object.values(calls));
  const names = new Set(called.map(({ name }) => name.slice(0, name.indexOf('.'))));
  const known = (name: string) =>
    (services as readonly string[]).includes(name) || serviceName(name) in discovery.addresses;
  return [...names].filter((name) => !known(name));
};

/**
 * What this process will not be able to do together with others, a line each. No reason not to start: a process may be
 * looked at alone.
 *
 * @param here the services of this process
 */
export const doubtsOf = (config: Config, here: readonly Service[]): string[] => {
  const { env, services, http } = config;
  const doubts: string[] = [];
  const missing = unlisted(config, here);
  if (missing.length > 0)
    doubts.push(
      `DISCOVERY_URL does not say where ${missing.join(', ')} can be found: what needs them answers 503. Use static:${missing.map((name) => `${name}=<host>:<port>`).join(',')} or name a registry`,
    );
  // all processes have to name one issuer, and only auth's port of the contract can be guessed by all of them
  if (!env.PERFECT21_PUBLIC_URL && services.includes('auth') && http.port !== OWN_PORT.auth)
    doubts.push(
      `PERFECT21_PUBLIC_URL is missing: with auth on port ${http.port}, others refuse its tokens unless all are told the same`,
    );
  return doubts;
};

/** Counts the breakers that are open, of which the calls themselves only hear that one opened. */
const openBreakers = (metrics: Metrics) => {
  const open = new Map<string, Set<string>>();
  const tell = (service: string): void =>
    metrics.gauge('perfect21_breakers_open', { service }, open.get(service)?.size ?? 0);
  return {
    opened: (service: string, address: string): void => {
      open.set(service, (open.get(service) ?? new Set()).add(address));
      tell(service);
      setTimeout(() => {
        open.get(service)?.delete(address);
        tell(service);
      }, EJECT_MS).unref();
    },
  };
};

/** How to reach them. They and their registry need not be there yet. */
export const remoteFor = async (
  config: Config,
  token: string,
  { ports }: OpenHost,
  tls?: Live<ClientTls>,
): Promise<Remote> => {
  const { openDiscovery } = await import('../calls/discovery/open.ts');
  const { policy } = await import('../calls/discovery/policies.ts');
  const { unitRandom } = await import('../messaging/backoff.ts');
  const { remoteCaller } = await import('../calls/remote.ts');
  const discovery = await openDiscovery(config.discovery, ports);
  const choose = () => policy(config.env.DISCOVERY_POLICY, () => unitRandom(ports.ids));
  const breakers = openBreakers(ports.metrics);
  const ejected = (service: string, address: string): void => {
    ports.log.warn('discovery.ejected', { service, address });
    ports.metrics.count('perfect21_discovery_ejections_total', { service });
    breakers.opened(service, address);
  };
  const zone = config.env.DISCOVERY_ZONE;
  const remote = remoteCaller({ discovery, token, policy: choose, now: ports.clock.now, ejected, tls, zone });
  const close = (): void => {
    remote.close();
    void discovery.close();
  };
  return { ...remote, close };
};
