/** Brings the services of one process up behind every door, and down again without dropping what is in flight. */

import type { Remote } from '../calls/remote.ts';
import type { Config } from '../config/config.ts';
import { withMailbox } from '../config/mailbox.ts';
import { StartError } from '../config/start-error.ts';
import type { Mailbox } from '../delivery/mailbox/index.ts';
import type { Adapter } from '../kit/adapter.ts';
import type { Service } from '../kit/operation.ts';
import type { StoreSchema } from '../store/schema.ts';
import { brokerFor, eventBridgeFor } from './buses.ts';
import { prepareDataDir } from './data-dir.ts';
import { type OpenHost, openHost, type RemoteCall } from './host.ts';
import { doubtsOf, remoteFor, requireServiceToken } from './peers.ts';
import { requireRegion } from './region.ts';
import { type Certificates, openCertificates } from './tls.ts';

/** What is to run: all services, also those of other processes, and what they keep. */
export interface Product {
  platform: readonly Service[];
  schema: StoreSchema;
}

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

/** Without a mail server of its own, the platform brings one that shows what was sent. */
const mailboxFor = async ({ env, services, data_dir: dataDir }: Config): Promise<Mailbox | undefined> => {
  const { MAIL_URL, SMS_URL = '', PUSH_URL = '' } = env;
  const wanted = !MAIL_URL || `${SMS_URL}${PUSH_URL}`.includes('mailbox:');
  if (!wanted || !services.includes('notifications')) return undefined;
  const { startMailbox } = await import('../delivery/mailbox/index.ts');
  const { PERFECT21_MAILBOX_PORT: httpPort, PERFECT21_SMTP_PORT: smtpPort } = env;
  return startMailbox({ httpPort, smtpPort, host: '127.0.0.1', dataDir });
};

/**
 * Starts what Config says.
 *
 * @throws StartError with one line that says what to do; nothing stays open then
 * @example const running = await launch(product, loadConfig(process.env)); … await running.stop();
 */
export const launch = async (
  { platform, schema }: Product,
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
    const services = platform.filter(({ name }) => (config.services as readonly string[]).includes(name));
    const token = services.length < platform.length ? requireServiceToken(config) : undefined;
    await requireRegion(config);
    prepareDataDir(config.data_dir);

    const mailbox = await mailboxFor(config);
    closing.push(async () => mailbox?.close());
    const reached = mailbox ? withMailbox(config, mailbox) : config;

    let remote: Remote | undefined;
    const others: RemoteCall = (...call) => remote!.call(...call);
    const host = await openHost(reached, schema, { ...options, ...(token && { remote: others }) });
    closing.push(() => host.close());
    let certificates: Certificates | undefined;
    if (config.tls) {
      certificates = await openCertificates(config.tls, host.ports.log);
      closing.push(async () => certificates?.close());
    }
    if (token) {
      for (const detail of doubtsOf(config, services)) host.ports.log.warn('start.apart', { detail });
      remote = await remoteFor(config, token, host, certificates?.client);
      closing.push(async () => remote?.close());
    }
    await options.prepare?.(host);

    const { startWorker } = await import('./worker.ts');
    const broker = await brokerFor(config, platform, host);
    closing.push(async () => broker?.close());
    const bus = await eventBridgeFor(config);
    closing.push(async () => bus?.close());
    const worker = startWorker(host, platform, {
      services: config.services,
      broker,
      ...(bus && { bus, consume: false }),
    });
    closing.push(() => worker.stop());

    const at = config.http.host;
    const { startMetrics } = await import('./metrics-server.ts');
    const metrics = await startMetrics(host.ports.metrics, { port: config.env.PERFECT21_METRICS_PORT, host: at });
    closing.push(() => metrics.stop());

    const { startGrpc } = await import('../doors/grpc/grpc.ts');
    const ready = () => host.ports.store.ping();
    const tls = certificates?.server;
    const grpc = await startGrpc(host, services, { port: config.grpc.port, hostName: at, ready, tls }).catch(
      (cause) => {
        throw new StartError(`port ${config.grpc.port} is taken: set PERFECT21_GRPC_PORT to another`, { cause });
      },
    );
    closing.push(() => grpc.stop());

    const { startHttp } = await import('../doors/http/http.ts');
    const { openApi } = await import('../documents/openapi/document.ts');
    const openapi = openApi(services, { version: VERSION });
    const secure = config.public_url.startsWith('https:');
    // while the broker is away requests are answered all the same: their events wait in the outbox
    const checks = {
      keys: () => host.ports.keys.jwks(),
      ...(broker && { bus: async () => (broker.connected() ? 'ok' : 'degraded') }),
    };
    const { staticRoutes } = await import('../doors/http/static-routes.ts');
    const routes = staticRoutes();
    const http = await startHttp(host, services, { ...config.http, tls, secure, openapi, routes, checks });
    closing.push(() => http.stop());

    return { host, services, http, grpc, metrics, mailbox, drain: () => worker.drain(), stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};
