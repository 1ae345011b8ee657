/**
 * DNS as the registry: of `auth-service` (and so on) in a domain the SRV records `_grpc._tcp.auth-service.<domain>`
 * (RFC 2782), as Kubernetes makes them of a headless Service's port `grpc`, and Consul and Nomad of what they know. With a port
 * in the URL the A and AAAA records of `auth-service.<domain>` instead, each at that port.
 */
import { Resolver } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { addressOf, described, type Instance, type Registry } from './discovery.ts';

/** Nobody tells of changes in DNS, so it is asked this often: as long as CoreDNS lets its records live. */
const EVERY_MS = 5_000;

export interface DnsOptions {
  domain: string;
  port?: number;
  /** `host:port` with a number for a host; those of the system when left out. */
  server?: string;
}

/** There is no such name, or nothing of that kind: that is known. */
const unlessNone = async <T>(asked: Promise<T[]>): Promise<T[]> => {
  try {
    return await asked;
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
    throw thrown;
  }
};

/** A name of both families leads to the same instance twice: one family is enough. */
const hostsOf = async (resolver: Resolver, name: string): Promise<string[]> => {
  const four = await unlessNone(resolver.resolve4(name));
  return four.length > 0 ? four : unlessNone(resolver.resolve6(name));
};

const atPort = async (resolver: Resolver, name: string, port: number): Promise<Instance[]> =>
  (await hostsOf(resolver, name)).map((host) => ({ address: addressOf(host, port) }));

/** Those of the most urgent priority, by their weights; 0 stands for a very small one. */
const byRecords = async (resolver: Resolver, name: string): Promise<Instance[]> => {
  const records = await unlessNone(resolver.resolveSrv(name));
  const first = Math.min(...records.map(({ priority }) => priority));
  const found = records
    .filter(({ priority, port }) => priority === first && port > 0)
    .map(async ({ name: target, port, weight }) =>
      (await hostsOf(resolver, target)).map((host) => described(addressOf(host, port), { weight: weight || 0.1 })),
    );
  return (await Promise.all(found)).flat();
};

export const dns = ({ domain, port, server }: DnsOptions): Registry => {
  const lookup: Registry['lookup'] = async (service, signal) => {
    const resolver = new Resolver({ timeout: 500, tries: 3 });
    if (server) resolver.setServers([server]);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return port
        ? await atPort(resolver, `${service}.${domain}`, port)
        : await byRecords(resolver, `_grpc._tcp.${service}.${domain}`);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
  return {
    name: 'dns',
    lookup,
    follow: async (service, tell, signal) => {
      for (;;) {
        tell(await lookup(service, signal));
        await sleep(EVERY_MS, undefined, { signal, ref: false });
      }
    },
  };
};
