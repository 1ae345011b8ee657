/** Service definitions and intentions, from which service calls which. */
import { OWN_PORT, type ServiceName } from '../../shared/config/services.ts';
import type { Service } from '../../shared/kit/service.ts';
import { NAMESPACE, nameOf, PORTS, VERSION } from '../kubernetes/cluster.ts';

/** https://developer.hashicorp.com/consul/docs/services/configuration/services-configuration-reference, as far as ours says. */
interface Definition {
  service: {
    name: string;
    port: number;
    tags: string[];
    meta: Record<string, string>;
    checks: (
      | {
          id: string;
          name: string;
          grpc: string;
          interval: string;
          timeout: string;
          deregister_critical_service_after: string;
        }
      | { id: string; name: string; http: string; interval: string; timeout: string }
    )[];
    connect: { sidecar_service: { port: number } };
  };
}

const MACHINE = '127.0.0.1';
/** Of the proxies, which the machine's agent starts beside the services. */
const PROXY_PORT = 21_000;
/** gRPC of a service that shares its machine with the others; alone it has 50051. */
const GRPC_PORT: Record<ServiceName, number> = {
  auth: PORTS.grpc,
  users: PORTS.grpc + 10,
  permissions: PORTS.grpc + 20,
  sessions: PORTS.grpc + 30,
  notifications: PORTS.grpc + 40,
};

/** The port is that of gRPC: it is what discovery asks for. Instances that are gone for ten minutes are forgotten. */
export const definitionOf = (service: ServiceName): Definition => ({
  service: {
    name: nameOf(service),
    port: GRPC_PORT[service],
    tags: ['grpc', 'v1'],
    meta: { version: VERSION, http_port: String(OWN_PORT[service]) },
    checks: [
      {
        id: `${nameOf(service)}-grpc`,
        name: 'gRPC health',
        grpc: `${MACHINE}:${GRPC_PORT[service]}`,
        interval: '10s',
        timeout: '3s',
        deregister_critical_service_after: '10m',
      },
      {
        id: `${nameOf(service)}-ready`,
        name: 'ready',
        http: `http://${MACHINE}:${OWN_PORT[service]}/readyz`,
        interval: '10s',
        timeout: '3s',
      },
    ],
    connect: { sidecar_service: { port: PROXY_PORT + OWN_PORT[service] - OWN_PORT.auth } },
  },
});

/** https://developer.hashicorp.com/consul/docs/connect/config-entries/service-intentions */
interface Intentions {
  Kind: 'service-intentions';
  Name: string;
  Sources: { Name: string; Action: 'allow' | 'deny'; Description?: string }[];
}

/** The services whose operations call one of this service. */
export const callersOf = (service: string, platform: readonly Service[]): ServiceName[] =>
  platform
    .filter(({ name, operations }) => {
      const called = operations.flatMap(({ calls }) => Object.values(calls) as { name: string }[]);
      return name !== service && called.some((callee) => callee.name.startsWith(`${service}.`));
    })
    .map(({ name }) => name as ServiceName);

export const intentionsOf = (service: ServiceName, platform: readonly Service[]): Intentions => ({
  Kind: 'service-intentions',
  Name: nameOf(service),
  Sources: [
    ...callersOf(service, platform).map((caller) => ({ Name: nameOf(caller), Action: 'allow' as const })),
    { Name: 'gateway', Action: 'allow', Description: 'in front of all' },
    { Name: '*', Action: 'deny', Description: `${NAMESPACE}: nobody else` },
  ],
});
