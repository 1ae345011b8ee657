/** Brings the services of one process up behind every door, and down again without dropping what is in flight. */

import type { Remote } from '../calls/remote.ts';
import { requirePlace, requirePublicUrl } from '../config/cluster.ts';
import type { Config } from '../config/config.ts';
import { withMailbox } from '../config/mailbox.ts';
import { unknownIn } from '../config/unknown.ts';
import type { Mailbox } from '../delivery/mailbox/index.ts';
import type { Adapter } from '../kit/adapter.ts';
import type { Operation } from '../kit/operation.ts';
import type { Service } from '../kit/service.ts';
import type { PortName } from '../ports/index.ts';
import type { StoreSchema } from '../store/schema.ts';
import { prepareDataDir } from './data-dir.ts';
import { exposureOf } from './exposure.ts';
import { callsAfter } from './first-call.ts';
import { type OpenHost, openHost, portsReached, type RemoteCall } from './host.ts';
import { type Part, PLATFORM, type Started } from './parts.ts';
import { doubtsOf, remoteFor, requireServiceToken, requireWholeCallees } from './peers.ts';
import { requireRegion } from './region.ts';
import { type Certificates, openCertificates } from './tls.ts';

/** What is to run: all services, also those of other processes, and what they keep. */
export interface Product {
  platform: readonly Service[];
  /** Answered where tokens are issued, beside the services. */
  beside?: readonly Service[];
  schema: StoreSchema;
  /** Tells what a user may now: asked where a token is older than the last change of that. */
  standing?: Operation<any, any>;
}

/** A process whatever its parts: a door that it lacks is missing here. */
export interface Process extends Started {
  host: OpenHost;
  services: readonly Service[];
  stop(): Promise<void>;
}

/** Services with all they have. */
export type Running = Process & Required<Pick<Process, 'http' | 'grpc' | 'metrics' | 'drain'>>;

export interface LaunchOptions {
  replace?: readonly Adapter<any, any>[];
  /** Runs when the ports are open and before anybody can call. What it gives is done before the first call is. */
  prepare?: (host: OpenHost) => Promise<(() => Promise<void>) | undefined>;
}

/** Ms that a start waits for its broker to be there or away, beside all else that it does. */
const BROKER_MS = 1_500;

/** What every process uses. */
const BASE = ['clock', 'ids', 'log', 'metrics'] as const satisfies readonly PortName[];

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
 * Starts the services that Config says, with all they have.
 *
 * @throws StartError with one line that says what to do; nothing stays open then
 * @example const running = await launch(product, loadConfig(process.env)); … await running.stop();
 */
export const launch = async (product: Product, config: Config, options: LaunchOptions = {}): Promise<Running> => {
  requirePublicUrl(config.env);
  prepareDataDir(config.data_dir);
  const mailbox = await mailboxFor(config);
  const reached = mailbox ? withMailbox(config, mailbox) : config;
  const closing = [() => mailbox?.close()];
  const running = (await compose(PLATFORM, product, reached, { ...options, closing })) as Running;
  return mailbox ? { ...running, mailbox } : running;
};

/**
 * Starts a process of parts, in their order. It opens the ports that the parts use and that the operations reach which
 * they bring to somebody, and no others.
 *
 * @param options `closing`: what ends last, also when the start fails
 * @throws StartError as `launch` does
 * @example const verifier = await compose(DOORS, { schema, platform: [service('auth', [validateToken])] }, config);
 */
export const compose = async (
  parts: readonly Part[],
  { platform, schema, standing, beside = [] }: Product,
  config: Config,
  { closing = [], prepare, replace }: LaunchOptions & { closing?: (() => unknown)[] } = {},
): Promise<Process> => {
  const stop = async (): Promise<void> => {
    for (let close = closing.pop(); close; close = closing.pop()) await close();
  };
  try {
    requirePlace(config.env);
    const services = platform.filter(({ name }) => (config.services as readonly string[]).includes(name));
    const aside = services.some(({ name }) => name === 'auth') ? beside : [];
    const token = services.length < platform.length ? requireServiceToken(config) : undefined;
    requireWholeCallees(services, config.services);
    await requireRegion(config);
    prepareDataDir(config.data_dir);

    let remote: Remote | undefined;
    const others: RemoteCall = (...call) => remote!.call(...call);
    const brought = [...services, ...aside]
      .flatMap(({ operations }) => operations)
      .filter((op) => parts.some(({ brings }) => brings === (op.subscription ? 'events' : 'calls')));
    const host = await openHost(config, schema, {
      replace,
      ports: [...BASE, ...parts.flatMap(({ ports }) => ports), ...portsReached(brought, config.services)],
      ...(token && { remote: others }),
      ...(standing && { standing }),
    });
    closing.push(() => host.close());
    let certificates: Certificates | undefined;
    if (config.tls) {
      certificates = await openCertificates(config.tls, host.ports.log);
      closing.push(() => certificates?.close());
    }
    const doors = parts.some(({ brings }) => brings === 'calls');
    for (const detail of exposureOf(config, doors)) host.ports.log.warn('start.open', { detail });
    for (const detail of unknownIn(process.env)) host.ports.log.warn('start.unknown', { detail });
    if (token) {
      for (const detail of doubtsOf(config, services)) host.ports.log.warn('start.apart', { detail });
      remote = await remoteFor(config, token, host, certificates?.client);
      closing.push(() => remote?.close());
    }
    const first = await prepare?.(host);
    const answering = first ? callsAfter(host, first) : undefined;
    closing.push(() => answering?.stop());

    let started: Started = {};
    const ground = {
      config,
      platform,
      services,
      beside: aside,
      host: answering?.host ?? host,
      certificates,
      onStop: (close: () => unknown) => closing.push(close),
    };
    for (const part of parts) started = { ...started, ...(await part.start({ ...ground, started })) };
    // who starts it reads first what is not there
    await started.broker?.tried(BROKER_MS);
    return { ...started, host, services, stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};
