/** The services of the platform that run in other processes. */
import type { Config } from '../config/config.ts';
import { StartError } from '../config/start-error.ts';
import type { Remote } from '../grpc/remote.ts';
import type { OpenHost } from '../platform.ts';

/** @throws StartError when there is none */
export const requireServiceToken = ({ env }: Config): string => {
  if (env.PERFECT21_SERVICE_TOKEN) return env.PERFECT21_SERVICE_TOKEN;
  throw new StartError(
    'PERFECT21_SERVICE_TOKEN is missing: services that run apart prove to each other who they are with a service token',
  );
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
