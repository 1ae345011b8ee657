/** Registries small enough to see through: Consul's and Kubernetes' HTTP APIs with their real JSON, and one in memory. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CachePorts } from '../../../shared/calls/discovery/cached.ts';
import { authority } from '../../doors/grpc/certificates.ts';

/** Ports with a clock that stands still until it is set, and what was logged and counted. */
export const rigPorts = () => {
  const clock = { at: Date.parse('2026-05-09T12:00:00Z'), now: () => clock.at };
  const logged: { level: string; code: string; fields: any }[] = [];
  const counted: Record<string, string>[] = [];
  const gauges = new Map<string, number>();
  const log = Object.fromEntries(
    ['debug', 'info', 'warn', 'error'].map((level) => [
      level,
      (code: string, fields: object) => logged.push({ level, code, fields }),
    ]),
  );
  const ports = {
    clock,
    // the middle of what jitter may do: none
    ids: { uuid: () => 'id', random: () => Buffer.from([128, 0, 0, 0]).toString('base64url') },
    log,
    metrics: {
      count: (name: string, labels: Record<string, string>) => counted.push({ name, ...labels }),
      observe() {},
      gauge: (name: string, { service }: { service: string }, value: number) => gauges.set(`${name} ${service}`, value),
    },
  } as unknown as CachePorts;
  return { ports, clock, logged, counted, gauges };
};

/** What a registry does instead of its work. */
export type Trouble = 'silence' | 'cut off' | 'half an answer' | { status: number; body: string };

interface State {
  trouble?: Trouble;
  requests: IncomingMessage[];
}

const troubled = (state: State, request: IncomingMessage, response: ServerResponse): boolean => {
  state.requests.push(request);
  const { trouble } = state;
  if (trouble === 'cut off') request.socket.destroy();
  else if (trouble === 'half an answer') response.writeHead(200, { 'content-length': '100' }).write('[{"Node"');
  else if (trouble !== undefined && trouble !== 'silence') response.writeHead(trouble.status).end(trouble.body);
  return trouble !== undefined;
};

const listen = async (listener: RequestListener, tls?: { cert: string; key: string }, port = 0) => {
  const server = tls ? createHttps(tls, listener) : createHttp(listener);
  await new Promise<void>((ready) => server.listen(port, '127.0.0.1', ready));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
};

export interface ConsulInstance {
  node?: string;
  address?: string;
  port: number;
  checks?: ('passing' | 'warning' | 'critical')[];
}

/** Services, and a number that grows with each change of one; who waits for another number is told. */
class Catalogue extends Map<string, ConsulInstance[]> {
  index = 7;
  readonly waiting = new Set<() => void>();
  override set(name: string, instances: ConsulInstance[]): this {
    this.move(this.index + 1);
    return super.set(name, instances);
  }
  move(index: number): void {
    this.index = index;
    // when the change is there
    setImmediate(() => {
      for (const tell of this.waiting) tell();
    });
  }
}

/** GET /v1/health/service/<name> of a Consul agent, blocking with an index, and with ACLs when there is a token. */
export const startConsul = async (
  options: { token?: string; tls?: { cert: string; key: string }; port?: number } = {},
) => {
  const services = new Catalogue();
  const state: State & { hides: boolean } = { requests: [], hides: false };
  const server = await listen(
    async (request, response) => {
      if (troubled(state, request, response)) return;
      const asked = Number(new URL(request.url!, 'http://consul').searchParams.get('index') ?? 0);
      for (let moved = asked !== services.index; !moved; moved = asked !== services.index) {
        await new Promise<void>((told) => {
          const tell = (): void => {
            services.waiting.delete(tell);
            told();
          };
          services.waiting.add(tell);
          response.on('close', tell);
        });
        if (response.destroyed) return;
        if (state.trouble !== undefined) return void troubled(state, request, response);
      }
      const { pathname, searchParams } = new URL(request.url!, 'http://consul');
      const name = /^\/v1\/health\/service\/([^/]+)$/.exec(pathname)?.[1];
      if (request.method !== 'GET' || !name) return void response.writeHead(404).end();
      const token = request.headers['x-consul-token'];
      if (token !== undefined && token !== options.token) return void response.writeHead(403).end('ACL not found');
      const hidden = state.hides || (options.token !== undefined && token === undefined);
      const found = (services.get(name) ?? []).filter(
        ({ checks = ['passing'] }) =>
          !hidden && (searchParams.get('passing') === null || checks.every((status) => status === 'passing')),
      );
      const filtered = token !== undefined && hidden ? { 'x-consul-results-filtered-by-acls': 'true' } : {};
      response.writeHead(200, {
        'content-type': 'application/json',
        'x-consul-index': String(services.index),
        ...filtered,
      });
      const body = found.map(({ node = '10.1.0.1', address = '', port, checks = ['passing'] }, at) => ({
        Node: { ID: `node-${at}`, Node: `n${at}`, Address: node, Datacenter: 'dc1', TaggedAddresses: {}, Meta: {} },
        Service: { ID: `${name}-${at}`, Service: name, Tags: null, Address: address, Meta: null, Port: port },
        Checks: checks.map((Status, n) => ({
          Node: `n${at}`,
          CheckID: `c${n}`,
          Name: 'gRPC',
          Status,
          ServiceName: name,
        })),
      }));
      response.end(JSON.stringify(body));
    },
    options.tls,
    options.port,
  );
  return { ...server, services, state, url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${server.port}` };
};

const GRPC_PORTS = [{ name: 'grpc', port: 50051, protocol: 'TCP' }];

export interface Slice {
  service: string;
  /** One service may have several. */
  name?: string;
  addressType?: string;
  endpoints: object[] | null;
  ports?: object[] | null;
}

export const endpoint = (address: string, conditions: object = { ready: true, serving: true, terminating: false }) => ({
  addresses: [address],
  conditions,
  targetRef: { kind: 'Pod', namespace: 'shop', name: `pod-${address}` },
});

/** Lists and watches of EndpointSlices by an API server over TLS, and the folder of a service account that may read them. */
export const startKubernetes = async () => {
  const own = authority();
  const folder = mkdtempSync(join(tmpdir(), 'perfect21-account-'));
  const state: State & { token: string } = { requests: [], token: 'token-1' };
  const slices: Slice[] = [];
  const watches = new Map<ServerResponse, string | undefined>();
  const asObject = ({ service, addressType = 'IPv4', endpoints, ports = GRPC_PORTS, name = 'abcde' }: Slice) => ({
    metadata: {
      name: `${service}-${name}`,
      namespace: 'shop',
      resourceVersion: '5',
      labels: { 'kubernetes.io/service-name': service },
    },
    addressType,
    endpoints,
    ports,
  });
  const write = (token: string): void => writeFileSync(join(folder, 'token'), `${token}\n`);
  write(state.token);
  writeFileSync(join(folder, 'ca.crt'), own.ca);
  const server = await listen((request, response) => {
    if (troubled(state, request, response)) return;
    const refuse = (code: number, reason: string): void => {
      const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, code };
      response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.headers.authorization !== `Bearer ${state.token}`) return refuse(401, 'Unauthorized');
    const { pathname, searchParams } = new URL(request.url!, 'https://kubernetes');
    if (pathname !== '/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices') return refuse(403, 'Forbidden');
    const [, wanted] = /^kubernetes\.io\/service-name=(.+)$/.exec(searchParams.get('labelSelector') ?? '') ?? [];
    response.writeHead(200, { 'content-type': 'application/json' });
    if (searchParams.get('watch') === 'true') {
      watches.set(
        response.on('close', () => watches.delete(response)),
        wanted,
      );
      return void response.flushHeaders();
    }
    const items = slices.filter(({ service }) => service === wanted).map(asObject);
    const metadata = { resourceVersion: '5' };
    response.end(JSON.stringify({ kind: 'EndpointSliceList', apiVersion: 'discovery.k8s.io/v1', metadata, items }));
  }, own.issue('IP:127.0.0.1'));
  return {
    slices,
    state,
    folder,
    watches,
    /** What who watches is told. */
    event: (type: string, slice: Slice) => {
      for (const [response, service] of watches)
        if (service === slice.service) response.write(`${JSON.stringify({ type, object: asObject(slice) })}\n`);
    },
    /** Text to all who watch. */
    say: (text: string) => {
      for (const response of watches.keys()) response.write(text);
    },
    api: `https://127.0.0.1:${server.port}`,
    /** Kubernetes replaces the token of a pod while it lives. */
    rotate: (token: string) => {
      state.token = token;
      write(token);
    },
    close: async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
