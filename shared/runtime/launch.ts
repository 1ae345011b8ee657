/** Brings the services of one process up behind every door, and down again without dropping what is in flight. */
import { schema, platform as table } from '../../functions/index.ts';
import type { Adapter } from '../adapter.ts';
import type { Config } from '../config/config.ts';
import { withMailbox } from '../config/mailbox.ts';
import { StartError } from '../config/start-error.ts';
import type { Mailbox } from '../delivery/mailbox/index.ts';
import type { Remote } from '../grpc/remote.ts';
import type { Service } from '../operation.ts';
import { type OpenHost, openHost, type RemoteCall } from '../platform.ts';
import { prepareDataDir } from './data-dir.ts';
import { readCertificate } from './http-tls.ts';

export interface Running {
  host: OpenHost;
  services: readonly Service[];
  http: { port: number; url: string };
  grpc: { port: number };
  metrics: { port: number };
  mailbox?: Mailbox;
  /** Resolves when no event waits any more. For tests. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

const VERSION = '0.1.0';

const staticRoutes = async () => {
  const { PAGES, PAGE_HEADERS } = await import('../delivery/pages.ts');
  const { docsRoutes } = await import('../openapi/docs.ts');
  const { asyncApiRoute } = await import('../asyncapi/route.ts');
  const pages = Object.entries(PAGES).map(([path, { type, body }]) => ({
    path: path as `/${string}`,
    contentType: type,
    body,
    headers: PAGE_HEADERS,
  }));
  return [...pages, ...docsRoutes(), asyncApiRoute()];
};

/**
 * Starts what Config says.
 *
 * @throws StartError with one line that says what to do; nothing stays open then
 * @example const running = await launch(loadConfig(process.env)); … await running.stop();
 */
export const launch = async (
  config: Config,
  options: {
    replace?: readonly Adapter<any, any>[];
    /** Runs when the ports are open and before anybody can call. */
    prepare?: (host: OpenHost) => Promise<void>;
  } = {},
): Promise<Running> => {
  const closing: (() => Promise<unknown> | undefined)[] = [];
  const stop = async (): Promise<void> => {
    for (let close = closing.pop(); close; close = closing.pop()) await close();
  };
  try {
    const services = table.filter(({ name }) => (config.services as readonly string[]).includes(name));
    prepareDataDir(config.data_dir);

    // without a mail server of its own, the platform brings one that shows what was sent
    let mailbox: Mailbox | undefined;
    const { MAIL_URL, SMS_URL = '', PUSH_URL = '' } = config.env;
    const wanted = !MAIL_URL || `${SMS_URL}${PUSH_URL}`.includes('mailbox:');
    if (wanted && config.services.includes('notifications')) {
      const { startMailbox } = await import('../delivery/mailbox/index.ts');
      const { PERFECT21_MAILBOX_PORT: httpPort, PERFECT21_SMTP_PORT: smtpPort } = config.env;
      mailbox = await startMailbox({ httpPort, smtpPort, host: '127.0.0.1', dataDir: config.data_dir });
      closing.push(() => mailbox?.close());
    }
    const reached = mailbox ? withMailbox(config, mailbox) : config;

    const token = services.length < table.length ? requireServiceToken(config) : undefined;
    let remote: Remote | undefined;
    const others: RemoteCall = (...call) => remote!.call(...call);
    const host = await openHost(reached, schema, { ...options, ...(token && { remote: others }) });
    closing.push(() => host.close());
    if (token) {
      remote = await remoteFor(config, token, host);
      closing.push(async () => remote?.close());
    }
    await options.prepare?.(host);

    const { startWorker } = await import('./worker.ts');
    const broker = await brokerFor(config, host);
    closing.push(async () => broker?.close());
    const bus = await eventBridgeFor(config);
    closing.push(async () => bus?.close());
    const worker = startWorker(host, table, { services: config.services, broker, ...(bus && { bus, consume: false }) });
    closing.push(() => worker.stop());

    const at = config.http.host;
    const { startMetrics } = await import('./metrics-server.ts');
    const metrics = await startMetrics(host.ports.metrics, { port: config.env.PERFECT21_METRICS_PORT, host: at });
    closing.push(() => metrics.stop());

    const { startGrpc } = await import('./grpc.ts');
    const ready = () => host.ports.store.ping();
    const tls = config.http.tls && (await readCertificate(config.http.tls));
    const grpc = await startGrpc(host, services, { port: config.grpc.port, hostName: at, ready, tls }).catch(
      (cause) => {
        throw new StartError(`port ${config.grpc.port} is taken: set PERFECT21_GRPC_PORT to another`, { cause });
      },
    );
    closing.push(() => grpc.stop());

    const { startHttp } = await import('./http.ts');
    const { openApi } = await import('../openapi/document.ts');
    const openapi = openApi(services, { version: VERSION });
    const secure = config.public_url.startsWith('https:');
    // while the broker is away requests are answered all the same: their events wait in the outbox
    const checks = broker && { bus: async () => (broker.connected() ? 'ok' : 'degraded') };
    const routes = await staticRoutes();
    const http = await startHttp(host, services, { ...config.http, secure, openapi, routes, checks });
    closing.push(() => http.stop());

    return { host, services, http, grpc, metrics, mailbox, drain: () => worker.drain(), stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};

/** The broker that Config names; none when events stay in the store. It need not be there yet. */
const brokerFor = async ({ bus }: Config, { ports }: OpenHost) => {
  if (bus.engine !== 'rabbitmq') return undefined;
  const { openRabbit } = await import('../messaging/rabbitmq/broker.ts');
  const { topologyOf } = await import('../messaging/topology.ts');
  return openRabbit(bus, topologyOf(table), ports);
};

/** The EventBridge that Config names. Its queues are SQS's and their consumers functions, so this process only relays. */
const eventBridgeFor = async ({ bus }: Config) =>
  bus.engine === 'eventbridge'
    ? (await import('../messaging/eventbridge/bus.ts')).eventBridgeBus({ name: bus.name })
    : undefined;

const requireServiceToken = ({ env }: Config): string => {
  if (env.PERFECT21_SERVICE_TOKEN) return env.PERFECT21_SERVICE_TOKEN;
  throw new StartError(
    'PERFECT21_SERVICE_TOKEN is missing: services that run apart prove to each other who they are with a service token',
  );
};

/** How to reach the services that run in other processes. They and their registry need not be there yet. */
const remoteFor = async (config: Config, token: string, { ports }: OpenHost): Promise<Remote> => {
  const { openDiscovery } = await import('../discovery/open.ts');
  const { policy } = await import('../discovery/policies.ts');
  const { unitRandom } = await import('../messaging/backoff.ts');
  const { remoteCaller } = await import('../grpc/remote.ts');
  const discovery = await openDiscovery(config.discovery, ports);
  const choose = () => policy(config.env.DISCOVERY_POLICY, () => unitRandom(ports.ids));
  const ejected = (service: string, address: string): void => {
    ports.log.warn('discovery.ejected', { service, address });
    ports.metrics.count('perfect21_discovery_ejections_total', { service });
  };
  const remote = remoteCaller({ discovery, token, policy: choose, now: ports.clock.now, ejected });
  const close = (): void => {
    remote.close();
    void discovery.close();
  };
  return { ...remote, close };
};
