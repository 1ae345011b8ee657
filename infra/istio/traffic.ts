/** Routes and circuit breakers, with the numbers of the architecture document (4.1). */
import type { IDestinationRule, IGateway, IVirtualService } from '@kubernetes-models/istio/networking.istio.io/v1';
import type { IService } from 'kubernetes-models/v1';
import type { ServiceName } from '../../shared/config/services.ts';
import { patternOf, type Route } from '../generate/routes.ts';
import {
  CLUSTER_DOMAIN,
  GATEWAY,
  hostOf,
  labelsOf,
  NAMESPACE,
  nameOf,
  PORTS,
  SERVICE_HTTP_PORT,
} from '../kubernetes/cluster.ts';

type HttpRoute = NonNullable<NonNullable<IVirtualService['spec']>['http']>[number];
type TrafficPolicy = NonNullable<NonNullable<IDestinationRule['spec']>['trafficPolicy']>;

const to = (service: ServiceName, number: number): HttpRoute['route'] => [
  { destination: { host: hostOf(service), port: { number } }, weight: 100 },
];
/** Only what nobody has worked on: an answer 5xx has changed nothing here, but the mesh cannot know of others. */
const NOTHING_DONE = 'connect-failure,refused-stream';
const HTTP: Pick<HttpRoute, 'retries'> = { retries: { attempts: 2, retryOn: NOTHING_DONE } };
export const TIMEOUT = '30s';

/** Paths that may last have no clock: without a `timeout` there is none, and Istio's resource refuses `0s`. */
const lasting = (routes: readonly Route[]): HttpRoute['match'] =>
  routes.filter(({ streams }) => streams).map(({ path }) => ({ uri: { regex: patternOf(path) } }));

export const virtualServiceOf = (service: ServiceName, routes: readonly Route[]): IVirtualService => {
  const own = lasting(routes.filter((route) => route.service === service));
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: `${nameOf(service)}-vs`, namespace: NAMESPACE, labels: labelsOf(nameOf(service)) },
    spec: {
      hosts: [hostOf(service)],
      http: [
        {
          name: 'grpc',
          match: [{ headers: { 'content-type': { regex: 'application/grpc.*' } } }],
          route: to(service, PORTS.grpc),
          retries: { attempts: 3, perTryTimeout: '1s', retryOn: `${NOTHING_DONE},unavailable` },
        },
        ...(own?.length ? [{ name: 'lasting', match: own, route: to(service, SERVICE_HTTP_PORT), ...HTTP }] : []),
        { name: 'http', route: to(service, SERVICE_HTTP_PORT), timeout: TIMEOUT, ...HTTP },
      ],
    },
  };
};

const outlierDetection: TrafficPolicy['outlierDetection'] = {
  consecutive5xxErrors: 3,
  consecutiveGatewayErrors: 5,
  interval: '30s',
  baseEjectionTime: '30s',
  maxEjectionPercent: 50,
};
const loadBalancer: TrafficPolicy['loadBalancer'] = { consistentHash: { httpHeaderName: 'user-id' } };
const poolOf = (maxRequestsPerConnection?: number): TrafficPolicy['connectionPool'] => ({
  tcp: { maxConnections: 100, connectTimeout: '1s' },
  http: {
    http1MaxPendingRequests: 50,
    http2MaxRequests: 100,
    ...(maxRequestsPerConnection && { maxRequestsPerConnection }),
    maxRetries: 3,
  },
});
const tls: TrafficPolicy['tls'] = { mode: 'ISTIO_MUTUAL' };

export const destinationRuleOf = (service: ServiceName): IDestinationRule => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: `${nameOf(service)}-dr`, namespace: NAMESPACE, labels: labelsOf(nameOf(service)) },
  spec: {
    host: hostOf(service),
    trafficPolicy: {
      connectionPool: poolOf(10),
      loadBalancer,
      outlierDetection,
      tls,
      // a port's settings take nothing over from those above
      portLevelSettings: [
        { port: { number: PORTS.grpc }, connectionPool: poolOf(), loadBalancer, outlierDetection, tls },
      ],
    },
  },
});

/** Where users come in. The host and the certificate are the overlay's to say. */
export const PUBLIC_HOST = 'auth.example.com';
export const publicGateway: IGateway = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'Gateway',
  metadata: { name: 'perfect21', namespace: NAMESPACE, labels: labelsOf('perfect21') },
  spec: {
    selector: { istio: 'ingressgateway' },
    servers: [
      {
        port: { number: 443, name: 'https', protocol: 'HTTPS' },
        tls: { mode: 'SIMPLE', credentialName: 'perfect21-tls', minProtocolVersion: 'TLSV1_2' },
        hosts: [PUBLIC_HOST],
      },
      { port: { number: 80, name: 'http', protocol: 'HTTP' }, tls: { httpsRedirect: true }, hosts: [PUBLIC_HOST] },
    ],
  },
};

/** The platform by one name inside of the mesh, for sidecars: a name without pods, whose requests go by their paths. */
export const inside: IService = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: GATEWAY, namespace: NAMESPACE, labels: labelsOf(GATEWAY) },
  spec: { type: 'ClusterIP', ports: [{ name: 'http', port: SERVICE_HTTP_PORT, protocol: 'TCP' }] },
};

/** Runs of routes that go to one service on the same terms, so that the most particular path is still asked first. */
const runs = (routes: readonly Route[]): Route[][] =>
  routes.reduce<Route[][]>((all, route) => {
    const last = all.at(-1);
    if (last && last[0]!.service === route.service && last[0]!.streams === route.streams) last.push(route);
    else all.push([route]);
    return all;
  }, []);

/** What comes from outside, and from sidecars, by its path. Nothing else passes: gRPC is for services. */
export const publicRoutes = (routes: readonly Route[]): IVirtualService => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'perfect21', namespace: NAMESPACE, labels: labelsOf('perfect21') },
  spec: {
    hosts: [PUBLIC_HOST, `${GATEWAY}.${NAMESPACE}.${CLUSTER_DOMAIN}`],
    gateways: ['perfect21', 'mesh'],
    http: runs(routes).map((run) => {
      const paths = [...new Set(run.map(({ path }) => patternOf(path)))];
      const { service, streams } = run[0]!;
      return {
        match: paths.map((regex) => ({ uri: { regex } })),
        route: to(service, SERVICE_HTTP_PORT),
        ...(!streams && { timeout: TIMEOUT }),
        ...HTTP,
      };
    }),
  },
});
