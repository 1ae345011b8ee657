/** What a process is made of. Each part says which ports it uses, and starts when they are open; a process is a list of parts. */
import type { Config } from '../config/config.ts';
import { StartError } from '../config/start-error.ts';
import type { Mailbox } from '../delivery/mailbox/index.ts';
import { processName } from '../doors/connections.ts';
import type { Engine, StatusSubject } from '../doors/status/status.ts';
import type { Service } from '../kit/service.ts';
import { serviceName } from '../kit/service-name.ts';
import type { Broker } from '../messaging/bus.ts';
import type { PortName } from '../ports/index.ts';
import { brokerFor, eventBridgeFor } from './buses.ts';
import type { OpenHost } from './host.ts';
import type { Certificates } from './tls.ts';
import { VERSION } from './version.ts';

/** What the parts of a process gave. */
export interface Started {
  http?: { port: number; url: string };
  grpc?: { port: number };
  metrics?: { port: number };
  mailbox?: Mailbox;
  broker?: Broker;
  /** What the status page tells of, where that is not services. */
  subject?: StatusSubject;
  /** Where no HTTP door says it: whether it is ready. */
  ready?(): boolean;
  /** Resolves when no event waits any more. For tests. */
  drain?(): Promise<void>;
}

/** What the parts start from. */
export interface Ground {
  config: Config;
  /** All services, also those of other processes. */
  platform: readonly Service[];
  /** Those of this process. */
  services: readonly Service[];
  /** What it answers beside them. */
  beside: readonly Service[];
  host: OpenHost;
  certificates?: Certificates;
  /** What parts before this one started. */
  started: Started;
  /** Ends something when the process does, in reverse order. */
  onStop(close: () => unknown): void;
}

export interface Part {
  name: string;
  /** Ports that it uses itself. */
  ports: readonly PortName[];
  /** What it brings the operations of the process: their ports are opened for it. */
  brings?: 'calls' | 'events';
  start(ground: Ground): Promise<Started>;
}

/** Relays the outbox, consumes the queues of the process's services, and runs schedules. */
export const consumers: Part = {
  name: 'consumers',
  ports: ['store', 'clock', 'ids', 'log', 'metrics', 'settings'],
  brings: 'events',
  start: async ({ config, platform, host, onStop }) => {
    const { startWorker } = await import('./worker.ts');
    const broker = await brokerFor(config, platform, host);
    onStop(() => broker?.close());
    const bus = await eventBridgeFor(config);
    onStop(() => bus?.close());
    const { services } = config;
    const worker = startWorker(host, platform, { services, broker, ...(bus && { bus, consume: false }) });
    onStop(() => worker.stop());
    return { broker, drain: () => worker.drain() };
  },
};

/** Tells verifiers elsewhere of revocations, where a broker carries that; over gRPC the door does. */
export const revocationTeller: Part = {
  name: 'revocations',
  ports: ['revocationNews', 'clock', 'ids', 'log', 'metrics'],
  start: async ({ config: { bus }, host, onStop }) => {
    if (bus.engine !== 'rabbitmq') return {};
    const { tellOverRabbit } = await import('../messaging/rabbitmq/revocations.ts');
    const teller = tellOverRabbit(bus, host.ports.revocationNews, host.ports);
    onStop(() => teller.stop());
    return {};
  },
};

export const metrics: Part = {
  name: 'metrics',
  ports: ['clock', 'metrics'],
  start: async ({ config, platform, services, host, started: { broker, ready, subject: told }, onStop }) => {
    const { startMetrics } = await import('./metrics-server.ts');
    const { linksOf } = await import('../metrics/links.ts');
    const at = { port: config.env.PERFECT21_METRICS_PORT, host: config.env.PERFECT21_METRICS_HOST };
    const { store, keys } = host.ports as Partial<OpenHost['ports']>;
    const bus = async () => (!broker || broker.connected() ? 'ok' : 'degraded');
    const engines: Engine[] = [
      ...(store ? [{ name: 'store', engine: config.store.engine, look: () => store.ping() }] : []),
      { name: 'bus', engine: config.bus.engine, look: bus },
      ...(keys ? [{ name: 'keys', engine: config.keys.source, look: () => keys.jwks() }] : []),
    ];
    const subject: StatusSubject = told ?? {
      name: processName(services),
      version: VERSION,
      links: linksOf(platform),
      engines,
    };
    const door = await startMetrics(host.ports, { ...at, subject, ready });
    onStop(() => door.stop());
    return { metrics: door };
  },
};

const DOOR_PORTS = ['clock', 'ids', 'log', 'metrics'] as const satisfies readonly PortName[];

export const grpc: Part = {
  name: 'gRPC',
  ports: DOOR_PORTS,
  brings: 'calls',
  start: async ({ config, services, beside, host, certificates, onStop }) => {
    const { startGrpc } = await import('../doors/grpc/grpc.ts');
    const { store } = host.ports as Partial<OpenHost['ports']>;
    const ready = store && (() => store.ping());
    const options = { port: config.grpc.port, hostName: config.http.host, ready, tls: certificates?.server };
    const door = await startGrpc(host, [...services, ...beside], options).catch((cause) => {
      throw new StartError(`port ${config.grpc.port} is taken: set PERFECT21_GRPC_PORT to another`, { cause });
    });
    onStop(() => door.stop());
    return { grpc: door };
  },
};

export const http: Part = {
  name: 'HTTP',
  ports: DOOR_PORTS,
  brings: 'calls',
  start: async ({ config, services, beside, host, certificates, started: { broker }, onStop }) => {
    const { startHttp } = await import('../doors/http/http.ts');
    const { staticRoutes } = await import('../doors/http/static-routes.ts');
    const { eventsLeave } = await import('../doors/binding/readiness.ts');
    const { keys, store, clock } = host.ports as Partial<OpenHost['ports']>;
    const leave = store && clock && eventsLeave({ store, clock });
    // while the broker is away requests are answered all the same: their events wait in the outbox
    const checks = {
      ...(keys && { keys: () => keys.jwks() }),
      ...(leave && { bus: async () => (broker?.connected() === false ? 'degraded' : leave()) }),
    };
    const door = await startHttp(host, services, {
      ...config.http,
      tls: certificates?.server,
      secure: config.public_url.startsWith('https:'),
      pages: { public_url: config.public_url, origins: config.http.origins },
      openapi: async () => {
        const { openApi } = await import('../documents/openapi/document.ts');
        return openApi(services, { version: VERSION, server: new URL(config.public_url).pathname });
      },
      routes: staticRoutes(),
      ...(beside.length > 0 && { before: (await import('../doors/forward-auth/handler.ts')).forwardAuth(host) }),
      checks,
    });
    onStop(() => door.stop());
    return { http: door };
  },
};

/** Tells a registry of this process, last of all, and takes that back first. */
export const registered: Part = {
  name: 'registration',
  ports: ['log'],
  start: async ({ config, services, host, started: { grpc: door }, onStop }) => {
    const { registration: told, discovery, tls } = config;
    if (!told || discovery.registry !== 'consul') return {};
    const { register } = await import('../calls/discovery/registration.ts');
    const { store } = host.ports as Partial<OpenHost['ports']>;
    const own = {
      ...told,
      services: services.map(({ name }) => serviceName(name)),
      port: told.port ?? door!.port,
      tls: tls?.cert !== undefined,
    };
    const registration = await register(discovery, own, {
      log: host.ports.log,
      ready: async () => store?.ping(),
    });
    onStop(() => registration.stop());
    return {};
  },
};

/** Services with all they have: each of them in processes of its own, or all in one. */
export const PLATFORM: readonly Part[] = [consumers, revocationTeller, metrics, grpc, http, registered];
/** Answers calls, and nothing happens after them: what verifies tokens beside an application. */
export const DOORS: readonly Part[] = [metrics, grpc, http];
