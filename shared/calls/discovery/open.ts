/** Opens what `DISCOVERY_URL` names. Each registry's code is loaded only where it is chosen. */
import type { DiscoveryConfig } from '../../config/discovery.ts';
import { type CachePorts, cached } from './cached.ts';
import { type Discovery, fixedDiscovery, type Registry } from './discovery.ts';

const registryOf = async (config: Exclude<DiscoveryConfig, { registry: 'static' }>): Promise<Registry> => {
  switch (config.registry) {
    case 'dns':
      return (await import('./dns.ts')).dns(config);
    case 'k8s':
      return (await import('./k8s-or-dns.ts')).kubernetesOrDns(config);
    case 'consul':
      return (await import('./consul.ts')).consul(config);
    case 'cloudmap':
      return (await import('./cloudmap.ts')).cloudMap(config);
  }
};

/** A registry need not be there yet: until it answers, the services in it are unavailable. */
export const openDiscovery = async (config: DiscoveryConfig, ports: CachePorts): Promise<Discovery> =>
  config.registry === 'static' ? fixedDiscovery(config.addresses) : cached(await registryOf(config), ports);
