/**
 * The sidecar: a process beside a service that decides tokens and permissions without asking anybody. No store, no master
 * secret, no key that signs: keys come from its platform, revocations by a feed.
 */

import { validateToken } from '../../functions/auth/validate-token.ts';
import { getEffective } from '../../functions/permissions/get-effective.ts';
import { listPolicies } from '../../functions/permissions/list-policies.ts';
import { sidecar } from '../../functions/sidecar/index.ts';
import { originOf } from '../calls/origin.ts';
import { originPolicies } from '../calls/origin-policies.ts';
import { requirePlace } from '../config/cluster.ts';
import type { FeedConfig, SidecarConfig } from '../config/sidecar.ts';
import { StartError } from '../config/start-error.ts';
import { unknownIn } from '../config/unknown.ts';
import { startVerify } from '../doors/forward-auth/server.ts';
import { startGrpc } from '../doors/grpc/grpc.ts';
import { type Ask, askingVerifier } from '../keys/asking-verifier.ts';
import { noClientMarks } from '../keys/client-marks.ts';
import { openOriginKeys } from '../keys/origin-keys.ts';
import { openToldRevocations } from '../keys/told-revocations.ts';
import { createVerifier } from '../keys/verifier.ts';
import { type Adapter, Assembly } from '../kit/adapter.ts';
import { AppError } from '../kit/errors.ts';
import type { Host } from '../kit/invoke.ts';
import { linksOf } from '../metrics/links.ts';
import type { PortName, Ports } from '../ports/index.ts';
import type { RevocationFeed } from '../ports/revocations.ts';
import { fixed } from '../system/live.ts';
import { exposureOf } from './exposure.ts';
import { startMetrics } from './metrics-server.ts';
import { type Certificates, openCertificates } from './tls.ts';
import { tracersFor } from './tracers.ts';
import { VERSION } from './version.ts';

const PORTS = ['clock', 'ids', 'log', 'metrics', 'settings', 'clientMarks'] as const satisfies readonly PortName[];
const GAUGES_EVERY_MS = 1_000;

export interface Sidecar {
  host: Host;
  grpc: { port: number };
  http: { port: number };
  metrics: { port: number };
  /** Whether it may answer: it has keys, and its revocations are not older than the bound. */
  ready(): Promise<boolean>;
  stop(): Promise<void>;
}

type Closing = (close: () => unknown) => void;

/** The feed, and the way to stop it. */
const feedOf = async (
  feed: FeedConfig,
  config: SidecarConfig,
  ports: Pick<Ports, 'clock' | 'ids' | 'log' | 'metrics'>,
  certificates: Certificates | undefined,
  onStop: Closing,
): Promise<RevocationFeed> => {
  const { PERFECT21_SERVICE_TOKEN: token } = config.env;
  if (!token && feed.over !== 'rabbitmq' && !config.tls?.cert)
    throw new StartError('PERFECT21_SERVICE_TOKEN is missing: the platform tells revocations to services only');
  switch (feed.over) {
    case 'grpc': {
      const { createGrpcFeed } = await import('../calls/revocation-feed.ts');
      const tls = feed.tls ? (certificates?.client ?? fixed({})) : undefined;
      return createGrpcFeed({ address: feed.address, token, tls }, ports);
    }
    case 'rabbitmq': {
      const { createRabbitFeed } = await import('../messaging/rabbitmq/revocations.ts');
      const rabbit = createRabbitFeed(feed.bus, ports);
      onStop(() => rabbit.close());
      return rabbit;
    }
    case 'poll': {
      const { createOriginFeed } = await import('../calls/origin-feed.ts');
      return createOriginFeed(originOf(config.sidecar.origin, token), ports);
    }
  }
};

/** What a process has that needs nothing of a platform. */
const groundOf = async (config: SidecarConfig, replace: readonly Adapter<any, any>[], onStop: Closing) => {
  const { jsonLog } = await import('../system/log.ts');
  const { promMetrics } = await import('../system/metrics.ts');
  const { randomIds } = await import('../system/ids.ts');
  const { systemClock } = await import('../system/clock.ts');
  const { settings } = await import('../system/settings.ts');
  const replaced = new Set(replace.map(({ port }) => port));
  const tracers = await tracersFor(config);
  const chosen = [systemClock, randomIds, jsonLog, promMetrics, settings, noClientMarks, ...tracers];
  const assembly = new Assembly([...chosen.filter(({ port }) => !replaced.has(port)), ...replace], config);
  onStop(() => assembly.close());
  const ports: Partial<Ports> = {};
  for (const name of PORTS) ports[name] = (await assembly.get(name)) as never;
  if (tracers.length > 0) ports.tracer = (await assembly.get('tracer')) as never;
  return ports as Pick<Ports, (typeof PORTS)[number]>;
};

/**
 * Starts it. Its platform need not be there yet: until keys and revocations are known it answers `unavailable`, and is not
 * ready.
 *
 * @throws StartError with one line that says what to do
 * @example const running = await startSidecar(loadSidecarConfig(process.env)); … await running.stop();
 */
export const startSidecar = async (
  config: SidecarConfig,
  { replace = [] }: { replace?: readonly Adapter<any, any>[] } = {},
): Promise<Sidecar> => {
  const closing: (() => unknown)[] = [];
  const onStop: Closing = (close) => closing.push(close);
  const stop = async (): Promise<void> => {
    for (let close = closing.pop(); close; close = closing.pop()) await close();
  };
  try {
    requirePlace(config.env);
    const { origin: base, feed: feedConfig, issuer, socket, when_stale: whenStale } = config.sidecar;
    const ground = await groundOf(config, replace, onStop);
    const { clock, log, metrics } = ground;
    for (const detail of exposureOf(config)) log.warn('start.open', { detail });
    for (const detail of unknownIn(process.env)) log.warn('start.unknown', { detail });
    const certificates = config.tls && (await openCertificates(config.tls, log));
    onStop(() => certificates?.close());

    const origin = originOf(base, config.env.PERFECT21_SERVICE_TOKEN);
    const policies = originPolicies(origin, listPolicies, ground);
    const feed = await feedOf(feedConfig, config, ground, certificates, onStop);
    const heard: RevocationFeed = {
      ...feed,
      catchUp: (from) => feed.catchUp(from),
      follow: (take) =>
        feed.follow((message) => {
          policies.hear(message.revocations);
          take(message);
        }),
    };
    const bound = config.env.PERFECT21_MAX_STALENESS;
    const [source, revocations] = await Promise.all([
      openOriginKeys({ origin: base, issuer }, ground),
      openToldRevocations(
        { ...ground, revocationFeed: heard },
        { bound_ms: bound, warn_ms: bound / 2, when_stale: whenStale === 'open' ? 'open' : 'closed' },
      ),
    ]);
    onStop(() => revocations.close());
    const held = revocations.port;
    const rules = {
      get issuer() {
        return source.issuer();
      },
      audience: config.env.PERFECT21_AUDIENCE,
    };
    const verifier = createVerifier({ keys: source.keys, revocations: held, clock }, rules);
    const ask: Ask = (token, trace) => origin.call(validateToken, { token }, trace);
    const ports = {
      ...ground,
      keys: source.keys,
      revocations: held,
      revocationNews: held,
      policyScopes: policies,
      verifier: whenStale === 'ask' ? askingVerifier(verifier, ask, rules, clock.now) : verifier,
    };
    const host: Host = {
      ports: ports as unknown as Ports,
      // a token is judged without asking anybody
      call: (callee, input, { trace }) =>
        callee === getEffective
          ? Promise.reject(new AppError('unimplemented'))
          : origin.call(callee, input as object, trace),
    };

    const checks = async () => ({ keys: await source.isReady(), revocations: held.isReady() });
    const ready = async () => Object.values(await checks()).every(Boolean);
    const gauge = (): void => {
      metrics.gauge('perfect21_revocation_staleness_seconds', {}, Math.min(held.age() / 1_000, 86_400));
      metrics.gauge('perfect21_revocations_live', {}, held.size);
    };
    gauge();
    const gauging = setInterval(gauge, GAUGES_EVERY_MS).unref();
    onStop(() => clearInterval(gauging));

    const { http, grpc, env } = config;
    const tls = certificates?.server;
    const known = (look: () => boolean | Promise<boolean>) => async () => {
      if (!(await look())) throw new AppError('unavailable');
    };
    const engines = [
      { name: 'keys', engine: 'jwks', look: known(() => source.isReady()) },
      { name: 'revocations', engine: feedConfig.over, look: known(() => held.isReady()) },
    ];
    const measured = await startMetrics(ground, {
      port: env.PERFECT21_METRICS_PORT,
      host: env.PERFECT21_METRICS_HOST,
      subject: {
        name: 'sidecar',
        version: VERSION,
        links: linksOf(sidecar).filter(({ name }) => name === 'grpc'),
        engines,
      },
    });
    onStop(() => measured.stop());
    const calls = await startGrpc(host, sidecar, {
      port: grpc.port,
      hostName: http.host,
      open: true,
      ready,
      tls,
      ...(socket && { socket }),
    }).catch((cause) => {
      throw new StartError(`port ${grpc.port} is taken: set PERFECT21_GRPC_PORT to another`, { cause });
    });
    onStop(() => calls.stop());
    const verify = await startVerify(host, { host: http.host, port: http.port, tls, checks });
    onStop(() => verify.stop());
    return { host, grpc: calls, http: verify, metrics: measured, ready, stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};
