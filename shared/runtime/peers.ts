/** The services of the platform that run in other processes. */
import type { Config } from '../config/config.ts';
import { OWN_PORT } from '../config/services.ts';
import { StartError } from '../config/start-error.ts';
import type { Remote } from '../grpc/remote.ts';
import { isServiceToken } from '../keys/service-tokens.ts';
import type { Service } from '../operation.ts';
import type { OpenHost } from '../platform.ts';

const FORM = 'p21s_<id>_<43 or more characters of base64url>';

/** @throws StartError for a token that nobody could take */
export const requireTokenForm = ({ env: { PERFECT21_SERVICE_TOKEN: token } }: Config): void => {
  if (token && !isServiceToken(token)) throw new StartError(`PERFECT21_SERVICE_TOKEN is no service token: use ${FORM}`);
};

const requireServiceToken = ({ env }: Config): string => {
  if (env.PERFECT21_SERVICE_TOKEN) return env.PERFECT21_SERVICE_TOKEN;
  throw new StartError(
    'PERFECT21_SERVICE_TOKEN is missing: services that run apart prove to each other who they are with a service token',
  );
};

/** All processes have to name one issuer, and only auth's port of the contract can be guessed by all of them. */
const requirePublicUrl = ({ env, services, http }: Config): void => {
  if (env.PERFECT21_PUBLIC_URL || !services.includes('auth') || http.port === OWN_PORT.auth) return;
  throw new StartError(
    `PERFECT21_PUBLIC_URL is missing: with auth on port ${http.port}, services that run apart have to be told it, all of them the same`,
  );
};

/** A list of addresses says where everybody is whom the services of this process call. */
const requireAddresses = ({ discovery, services }: Config, here: readonly Service[]): void => {
  if (discovery.registry !== 'static') return;
  const called = here.flatMap(({ operations }) => operations).flatMap(({ calls }) => Object.values(calls));
  const names = new Set(called.map(({ name }) => name.slice(0, name.indexOf('.'))));
  const known = [...services, ...Object.keys(discovery.addresses)] as string[];
  const missing = [...names].filter((name) => !known.includes(name));
  if (missing.length === 0) return;
  throw new StartError(
    `DISCOVERY_URL does not say where ${missing.join(', ')} can be found: use static:${missing.map((name) => `${name}=<host>:<port>`).join(',')} or name a registry`,
  );
};

/**
 * The token that this process shows to the others.
 *
 * @param here the services of this process
 * @throws StartError with one line when it could not work together with the others
 */
export const requireApart = (config: Config, here: readonly Service[]): string => {
  const token = requireServiceToken(config);
  requireAddresses(config, here);
  requirePublicUrl(config);
  return token;
};

/** How to reach them. They and their registry need not be there yet. */
export const remoteFor = async (config: Config, token: string, { ports }: OpenHost): Promise<Remote> => {
  const { openDiscovery } = await import('../discovery/open.ts');
  const { policy } = await import('../discovery/policies.ts');
  const { unitRandom } = await import('../messaging/backoff.ts');
  const { remoteCaller } = await import('../grpc/remote.ts');
  const discovery = await openDiscovery(config.discovery, ports);
  const choose = () => policy(config.env.DISCOVERY_POLICY, () => unitRandom(ports.ids));
  const ejected = (service: string, address: string): void => {
    ports.log.warn('discovery.ejected', { service, address });
    ports.metrics.count('perfect21_discovery_ejections_total', { service });
  };
  const remote = remoteCaller({ discovery, token, policy: choose, now: ports.clock.now, ejected });
  const close = (): void => {
    remote.close();
    void discovery.close();
  };
  return { ...remote, close };
};
