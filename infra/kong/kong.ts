/** Kong's declarative configuration: a service and an upstream each of ours, a route each operation. */

import type { ServiceName } from '../../shared/config/services.ts';
import { CROSS_ORIGIN } from '../../shared/doors/binding/cross-origin.ts';
import type { Service } from '../../shared/kit/service.ts';
import { invitesGuessing, patternOf, type Route, routesOf, weight } from '../generate/routes.ts';
import { hostOf, nameOf, PORTS, SERVICE_HTTP_PORT } from '../kubernetes/cluster.ts';

/** What ours says of Kong's entities (https://developer.konghq.com/gateway/entities/). */
interface Plugin {
  name: 'cors' | 'rate-limiting' | 'request-size-limiting' | 'correlation-id' | 'pre-function' | 'prometheus';
  config: Record<string, unknown>;
}
interface KongRoute {
  name: string;
  paths: string[];
  methods: string[];
  protocols: ('http' | 'https')[];
  regex_priority: number;
  strip_path: false;
  preserve_host: true;
  request_buffering: boolean;
  response_buffering: boolean;
  plugins?: Plugin[];
}
interface KongService {
  name: string;
  host: string;
  port: number;
  protocol: 'http';
  connect_timeout: number;
  read_timeout: number;
  write_timeout: number;
  retries: number;
  routes: KongRoute[];
}
interface Upstream {
  name: string;
  algorithm: 'consistent-hashing';
  hash_on: 'header';
  hash_on_header: string;
  hash_fallback: 'ip';
  targets: { target: string; weight: number }[];
  healthchecks: {
    active: {
      type: 'http';
      http_path: string;
      timeout: number;
      healthy: { interval: number; successes: number; http_statuses: number[] };
      unhealthy: { interval: number; http_failures: number; tcp_failures: number; timeouts: number };
    };
    passive: { type: 'http'; unhealthy: { http_failures: number; tcp_failures: number; timeouts: number } };
  };
}
export interface KongConfig {
  _format_version: '3.0';
  _transform: true;
  services: KongService[];
  upstreams: Upstream[];
  plugins: Plugin[];
}

/** Ms. 30 s as in the mesh; what lasts is looked at by its own heartbeats. */
const TIMEOUT_MS = 30_000;
const LASTING_MS = 2 * 3_600_000;
/** Errors in a row that take an instance out, as the contract has it. */
const FAILURES = 3;
/** Of one address. The platform counts more exactly, by what is asked and of whom. */
const PER_MINUTE = { all: 1_200, guessing: 60 };
const PAGE = 'https://app.example.com';

const limit = (minute: number): Plugin => ({
  name: 'rate-limiting',
  config: { minute, policy: 'local', limit_by: 'ip', fault_tolerant: true, hide_client_headers: false },
});

/** Asks the sidecar of the same pod. "Cannot know" is 503, never a way through. */
const ask = `local http = require "resty.http".new()
http:set_timeout(500)
local answer = http:request_uri("http://127.0.0.1:${PORTS.sidecar.http}/verify", {
  method = "GET",
  headers = { authorization = kong.request.get_header("authorization") },
})
if not answer or answer.status >= 500 then
  return kong.response.exit(503, { title = "It can't be known now whether the token is good" }, { ["retry-after"] = "1" })
end
if answer.status ~= 200 then
  return kong.response.exit(answer.status, answer.body, { ["content-type"] = answer.headers["content-type"], ["www-authenticate"] = "Bearer" })
end`;
const asksSidecar: Plugin = { name: 'pre-function', config: { access: [ask] } };

const routeOf = ({ path, methods, streams, access }: Route): KongRoute => {
  const plugins = [
    ...(access === 'user' ? [asksSidecar] : []),
    ...(invitesGuessing(path) ? [limit(PER_MINUTE.guessing)] : []),
  ];
  return {
    name: `${methods[0]!.toLowerCase()}${path.replace(/[^A-Za-z0-9]+/g, '-')}`.replace(/-$/, ''),
    paths: [`~${patternOf(path)}$`],
    methods: [...methods],
    protocols: ['http', 'https'],
    regex_priority: weight(path),
    strip_path: false,
    preserve_host: true,
    request_buffering: !streams,
    response_buffering: !streams,
    ...(plugins.length > 0 && { plugins }),
  };
};

const serviceOf = (service: ServiceName, routes: readonly Route[], lasting: boolean): KongService => ({
  name: lasting ? `${nameOf(service)}-lasting` : nameOf(service),
  host: nameOf(service),
  port: SERVICE_HTTP_PORT,
  protocol: 'http',
  connect_timeout: 1_000,
  read_timeout: lasting ? LASTING_MS : TIMEOUT_MS,
  write_timeout: lasting ? LASTING_MS : TIMEOUT_MS,
  // nginx repeats what had no effect only: a connection that was refused
  retries: 2,
  routes: routes.map(routeOf),
});

const upstreamOf = (service: ServiceName): Upstream => ({
  name: nameOf(service),
  algorithm: 'consistent-hashing',
  hash_on: 'header',
  hash_on_header: 'user-id',
  hash_fallback: 'ip',
  targets: [{ target: `${hostOf(service)}:${SERVICE_HTTP_PORT}`, weight: 100 }],
  healthchecks: {
    active: {
      type: 'http',
      http_path: '/readyz',
      timeout: 3,
      healthy: { interval: 5, successes: 1, http_statuses: [200] },
      unhealthy: { interval: 5, http_failures: FAILURES, tcp_failures: FAILURES, timeouts: FAILURES },
    },
    passive: {
      type: 'http',
      unhealthy: { http_failures: FAILURES, tcp_failures: FAILURES, timeouts: FAILURES },
    },
  },
});

export const kongOf = (platform: readonly Service[]): KongConfig => {
  const routes = routesOf(platform);
  const names = platform.map(({ name }) => name as ServiceName);
  return {
    _format_version: '3.0',
    _transform: true,
    services: names.flatMap((name) =>
      [false, true].flatMap((lasting) => {
        const own = routes.filter((route) => route.service === name && route.streams === lasting);
        return own.length > 0 ? [serviceOf(name, own, lasting)] : [];
      }),
    ),
    upstreams: names.map(upstreamOf),
    plugins: [
      limit(PER_MINUTE.all),
      { name: 'correlation-id', config: { header_name: 'x-request-id', generator: 'uuid', echo_downstream: true } },
      { name: 'request-size-limiting', config: { allowed_payload_size: 64, size_unit: 'megabytes' } },
      { name: 'prometheus', config: { status_code_metrics: true, latency_metrics: true } },
      {
        name: 'cors',
        config: {
          // the pages of this place; credentials are tokens in a header, never cookies
          origins: [PAGE],
          methods: [...CROSS_ORIGIN.methods],
          headers: [...CROSS_ORIGIN.headers],
          exposed_headers: [...CROSS_ORIGIN.exposed],
          credentials: false,
          max_age: CROSS_ORIGIN.max_age,
        },
      },
    ],
  };
};
