/** The words that all manifests share: where things stand, how they are called, and the contract's ports. */
import packageJson from '../../package.json' with { type: 'json' };
import { SERVICES } from '../../shared/config/generated/service-names.ts';
import { OWN_PORT, type ServiceName } from '../../shared/config/services.ts';

export const VERSION: string = packageJson.version;
/** One namespace for the five: their discovery asks for EndpointSlices there. */
export const NAMESPACE = 'perfect21-auth';
export const CLUSTER_DOMAIN = 'svc.cluster.local';

/** Of the containers. Each service has the HTTP port that it has alone anywhere. */
export const PORTS = { grpc: 50051, metrics: 8000, sidecar: { grpc: 50052, http: 8090, metrics: 8001 } } as const;
export const httpPortOf = (service: ServiceName): number => OWN_PORT[service];
/** Of a Service: HTTP is where HTTP is expected. */
export const SERVICE_HTTP_PORT = 80;

export const nameOf = (service: ServiceName): string => SERVICES[service];
/** `auth-service.perfect21-auth.svc.cluster.local` */
export const hostOf = (service: ServiceName): string => `${nameOf(service)}.${NAMESPACE}.${CLUSTER_DOMAIN}`;

export type Role = 'platform' | 'sidecar' | 'bridge';
/** An overlay names the registry; the tag is the release. */
export const imageOf = (role: Role): string => `perfect21/${role}:${VERSION}`;

/** Of everything: `app` selects, as the architecture document has it; the others are Kubernetes' recommended ones. */
export const labelsOf = (app: string) => ({
  app,
  version: 'v1',
  'app.kubernetes.io/name': app,
  'app.kubernetes.io/part-of': 'perfect21',
  'app.kubernetes.io/version': VERSION,
});
export const selectorOf = (app: string) => ({ app });

/** Namespaces that may ask over gRPC, or stand in front, carry this label with the value `true`. */
export const CLIENTS = 'perfect21.io/client';
export const GATEWAYS = 'perfect21.io/gateway';
/** Where Prometheus and the collector of traces stand. */
export const MONITORING = 'monitoring';
/** The gateway in front (infra/kong), by the name of its Service. */
export const GATEWAY = 'gateway';

/** Secrets by name and key; none of them is written here. */
export const SECRETS = {
  secret: ['perfect21-platform', 'secret'],
  serviceToken: ['perfect21-platform', 'service-token'],
  store: ['perfect21-store', 'url'],
  bus: ['perfect21-bus', 'url'],
  mail: ['perfect21-mail', 'url'],
  sidecarToken: ['perfect21-sidecar', 'service-token'],
} as const;
/** Secrets that are mounted as files: the keys that sign, and certificates for RabbitMQ as cert-manager writes them. */
export const FILES = {
  keys: { secret: 'perfect21-signing-keys', folder: '/etc/perfect21/keys', file: 'signing-keys.json' },
  rabbitmq: { secret: 'perfect21-rabbitmq-tls', folder: '/etc/perfect21/rabbitmq' },
} as const;
