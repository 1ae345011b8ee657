/** `DISCOVERY_URL`: where services that run apart are found. */
import { isIP } from 'node:net';
import type { Environment } from './environment.ts';
import { SERVICES } from './generated/service-names.ts';
import { listOf } from './list.ts';
import { servicesOf } from './services.ts';
import { StartError } from './start-error.ts';

/** Where services that run apart are, by their names; `api` and `url` are addresses of HTTP APIs, `ca` a file in PEM, `server` one of DNS. */
export type DiscoveryConfig =
  | { registry: 'static'; addresses: Readonly<Record<string, readonly string[]>> }
  | { registry: 'dns'; domain: string; port?: number; server?: string }
  | { registry: 'k8s'; namespace: string; api: string }
  | { registry: 'consul'; url: string; token?: string; ca?: string }
  | { registry: 'cloudmap'; namespace: string };

const staticOf = (list: string): DiscoveryConfig => {
  const addresses: Record<string, string[]> = {};
  for (const entry of listOf(list)) {
    const [, name, address, port] = /^([a-z]+)=((?:[^=:@/]+|\[[0-9a-fA-F:.]+\]):(\d{1,5}))$/.exec(entry) ?? [];
    if (!name || !address || !(Number(port) <= 65_535))
      throw new StartError(`DISCOVERY_URL: "${entry}" is not <service>=<host>:<port>`);
    const service = SERVICES[servicesOf(name, 'DISCOVERY_URL')[0]!];
    addresses[service] = [...(addresses[service] ?? []), address];
  }
  return { registry: 'static', addresses };
};

const consulAt = (host: string, env: Environment): DiscoveryConfig => {
  const { CONSUL_HTTP_TOKEN: token, CONSUL_HTTP_SSL: ssl, CONSUL_CACERT: ca } = env;
  const url = `${ssl === 'true' || ssl === '1' ? 'https' : 'http'}://${host}`;
  return { registry: 'consul', url, ...(token && { token }), ...(ca && { ca }) };
};

/** Letters, digits and dashes between dots, as names of hosts are. */
const DOMAIN = /^(?=.{1,200}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

const dnsAt = (place: string, { DISCOVERY_DNS_SERVER: server }: Environment): DiscoveryConfig | undefined => {
  const [, domain = '', port] = /^([^:]+)(?::(\d{1,5}))?$/.exec(place) ?? [];
  if (!DOMAIN.test(domain) || Number(port ?? 1) > 65_535 || Number(port ?? 1) < 1) return undefined;
  if (server !== undefined) {
    const [, host = ''] = /^\[?([0-9a-fA-F:.]+?)\]?(?::\d{1,5})?$/.exec(server) ?? [];
    if (isIP(host) === 0)
      throw new StartError('DISCOVERY_DNS_SERVER is no server: use its number and port, such as 10.0.0.2:53');
  }
  return { registry: 'dns', domain, ...(port && { port: Number(port) }), ...(server && { server }) };
};

export const discoveryOf = (env: Environment): DiscoveryConfig => {
  const { DISCOVERY_URL: url = 'static:', KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (url.startsWith('static:')) return staticOf(url.slice('static:'.length));
  // the URL may hold a password
  const [, scheme, place = ''] = /^(dns|k8s|consul|cloudmap):\/\/([^/@?#\s]+)\/?$/.exec(url) ?? [];
  const byDns = scheme === 'dns' ? dnsAt(place, env) : undefined;
  if (byDns) return byDns;
  if (scheme === 'k8s' && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(place)) {
    if (!host) throw new StartError('DISCOVERY_URL: k8s:// is for pods, where Kubernetes sets KUBERNETES_SERVICE_HOST');
    const api = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
    if (URL.canParse(api)) return { registry: 'k8s', namespace: place, api };
  }
  if (scheme === 'consul' && /:\d+$/.test(place) && URL.canParse(`http://${place}`)) return consulAt(place, env);
  if (scheme === 'cloudmap' && /^[!-~]{1,1024}$/.test(place)) return { registry: 'cloudmap', namespace: place };
  throw new StartError(
    'DISCOVERY_URL names no known registry: use static:<service>=<host>:<port>,… or dns://<domain> or k8s://<namespace> or consul://<host>:<port> or cloudmap://<namespace>',
  );
};
