/** The HTTP door of a container: all operations of some services, and the routes of the process, on one port. */
import { AppError } from '../../kit/errors.ts';
import type { Host } from '../../kit/invoke.ts';
import type { Service } from '../../kit/service.ts';
import { placeAt } from '../../system/listening.ts';
import type { Live } from '../../system/live.ts';
import { clientIp } from '../binding/client-ip.ts';
import { securityHeaders } from '../binding/headers.ts';
import { type PlaceHeaders, trustedPlace } from '../binding/place.ts';
import type { ReadinessCheck } from '../binding/readiness.ts';
import { countConnections, processName } from '../connections.ts';
import type { SocketLimits } from '../websocket/limits.ts';
import { openSockets } from '../websocket/websocket.ts';
import { crossOrigin } from './cross-origin.ts';
import type { Door } from './door.ts';
import { openFront, type Pems } from './front.ts';
import { HTTP_LIMITS, type HttpLimits } from './limits.ts';
import { reporter } from './observation.ts';
import { addPlatformRoutes, type StaticRoute } from './platform-routes.ts';
import { carrierOf } from './read.ts';
import { beginner, replier } from './reply.ts';
import { createRouter } from './router.ts';
import { addOperations } from './routes.ts';
import { type Before, createServers } from './servers.ts';

export type { ReadinessCheck } from '../binding/readiness.ts';
export type { StaticRoute } from './platform-routes.ts';

export interface HttpOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** Named in the message when the port is taken; `PERFECT21_HTTP_PORT` when left out. */
  port_variable?: string;
  /** A certificate and its key, PEM; with them the port speaks TLS only. */
  tls?: Live<Pems>;
  /** Addresses and CIDR ranges of proxies whose `X-Forwarded-For` is believed. */
  trusted_proxies?: readonly string[];
  /** The network in front whose word about the place of a client is taken, from trusted proxies. */
  place_headers?: PlaceHeaders | undefined;
  /** True when callers reach a proxy over TLS although this port has none: answers then carry HSTS. */
  secure?: boolean;
  /** Served at `/openapi.json`, made when it is first asked for. */
  openapi?: () => Promise<object>;
  /** Documents and pages. */
  routes?: readonly StaticRoute[];
  before?: Before;
  /** For `/readyz`, beside the store's. */
  checks?: Readonly<Record<string, ReadinessCheck>>;
  limits?: Partial<HttpLimits>;
  /** Whose pages may call besides this address's own, and open WebSockets. */
  pages?: { public_url: string; origins: readonly string[] };
  sockets?: Partial<SocketLimits>;
}

export interface RunningHttp {
  port: number;
  url: string;
  /** Stops accepting and resolves when the requests in flight are answered, after `drain_ms` at the latest. */
  stop(): Promise<void>;
}

/**
 * Opens the door: HTTP/1.1 and HTTP/2 on one port (without TLS: h2c with prior knowledge).
 *
 * Uses the ports clock, ids, log and metrics, the store's `ping` where there is a store, and what the operations need.
 *
 * @throws StartError when the port is taken or a trusted proxy is no address
 * @example const { url, stop } = await startHttp(host, platform, { host: '127.0.0.1', port: 8080 });
 */
export const startHttp = async (
  host: Host,
  services: readonly Service[],
  options: HttpOptions,
): Promise<RunningHttp> => {
  const limits: HttpLimits = { ...HTTP_LIMITS, ...options.limits };
  const { ids, log, metrics, store } = host.ports;
  const { tls } = options;
  const security = securityHeaders(options.secure ?? tls !== undefined);
  const service = processName(services);
  const connections = countConnections(metrics, services);
  let stopping = false;

  const write = replier(() => stopping);
  const begin = beginner(() => stopping);
  const ipOf = clientIp(options.trusted_proxies ?? []);
  const { pages } = options;
  const sockets = pages && openSockets(host, services, { ...pages, limits: options.sockets, ipOf });
  const door: Door = {
    host,
    limits,
    listening: new Set(),
    ipOf,
    placeOf: options.place_headers && trustedPlace(options.place_headers, options.trusted_proxies ?? []),
    asks: (request, name) => connections.asks(carrierOf(request), name),
    reportOf: reporter({ log, metrics }, limits.slow_ms),
    send: (exchange, answer, kind = 'data') => write(exchange, answer, security[kind]),
    begin: (exchange, answer) => begin(exchange, answer, security.data),
  };

  const router = createRouter(door);
  addOperations(router, services, door);
  const { openapi: document } = options;
  const openapi: StaticRoute[] = document
    ? [{ path: '/openapi.json', contentType: 'application/json', body: async () => JSON.stringify(await document()) }]
    : [];
  addPlatformRoutes(router, door, {
    service,
    routes: [...openapi, ...(options.routes ?? [])],
    checks: { ...(store && { store: () => store.ping() }), ...options.checks },
    stopping: () => stopping,
  });
  const { before } = options;
  const rules = {
    limits,
    security: security.data,
    newId: ids.uuid,
    sockets,
    before,
    pages: pages && crossOrigin(pages),
  };
  const { h1, h2 } = createServers(router.listener, rules);

  const front = await openFront({
    host: options.host,
    port: options.port,
    variable: options.port_variable ?? 'PERFECT21_HTTP_PORT',
    tls,
    limits,
    h1,
    h2,
    onConnection: connections.opened,
  });
  return {
    port: front.port,
    url: `${tls ? 'https' : 'http'}://${placeAt(options.host, front.port)}`,
    stop: async () => {
      stopping = true;
      await sockets?.stop();
      for (const life of door.listening) life.end(new AppError('unavailable', { detail: 'The process stops' }));
      await front.stop();
    },
  };
};
