/** Which process stands where, and how the others find it: by each kind of discovery. */
import { SERVICES } from '../../../shared/config/generated/service-names.ts';
import { OWN_PORT, SERVICE_NAMES, type ServiceName } from '../../../shared/config/services.ts';
import type { DnsPlace } from './dns-server.ts';

/** How processes find each other, in the order in which they are shown. */
export const KINDS = ['static', 'dns', 'consul'] as const;
export type Kind = (typeof KINDS)[number];

/** The zone that the DNS server of this machine serves. */
export const ZONE = 'perfect21.test';
const HOST = '127.0.0.1';

export interface Ports {
  http: number;
  grpc: number;
  metrics: number;
}

export interface Layout {
  /** One address for callers, which leads to the services by path. */
  front: number;
  services: Readonly<Record<ServiceName, Ports>>;
  sidecar: Ports;
  mailbox: number;
  smtp: number;
}

/** HTTP as the contract has it for services that run alone. */
export const contractLayout = (): Layout => ({
  front: 8088,
  services: Object.fromEntries(
    SERVICE_NAMES.map((name, at) => [name, { http: OWN_PORT[name], grpc: 50_061 + at, metrics: 8_011 + at }]),
  ) as Layout['services'],
  sidecar: { http: 8090, grpc: 50_052, metrics: 8001 },
  mailbox: 8025,
  smtp: 1025,
});

/** What serves the kind beside the processes, where it needs something. */
export interface Registries {
  /** `host:port` of the DNS server. */
  dns: string;
  /** `host:port` of the agent. */
  consul: string;
}

/** Where a service is by its name in the catalogue, for DNS. */
export const placesOf =
  ({ services }: Layout) =>
  (name: string): DnsPlace[] =>
    SERVICE_NAMES.filter((each) => SERVICES[each] === name).map((each) => ({ host: HOST, port: services[each].grpc }));

/** What a process is told of where the others are. */
export const discoveryBy = (kind: Kind, { services }: Layout, { dns, consul }: Registries): Record<string, string> => {
  switch (kind) {
    case 'static':
      return {
        DISCOVERY_URL: `static:${SERVICE_NAMES.map((each) => `${each}=${HOST}:${services[each].grpc}`).join()}`,
      };
    case 'dns':
      return { DISCOVERY_URL: `dns://${ZONE}`, DISCOVERY_DNS_SERVER: dns };
    case 'consul':
      return { DISCOVERY_URL: `consul://${consul}`, DISCOVERY_REGISTER: 'ttl' };
  }
};
