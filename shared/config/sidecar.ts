/** What a sidecar reads: where its platform is, how it hears of revocations, and what it does when it hears nothing. */
import { type BusConfig, busOf } from './bus.ts';
import { type Config, loadConfig } from './config.ts';
import { StartError } from './start-error.ts';

export type FeedConfig =
  | { over: 'grpc'; address: string; tls: boolean }
  | { over: 'rabbitmq'; bus: Extract<BusConfig, { engine: 'rabbitmq' }> }
  | { over: 'poll' };

export interface SidecarConfig extends Config {
  sidecar: {
    /** Without a slash at the end. */
    origin: string;
    feed: FeedConfig;
    /** The issuer of tokens, where it has another name than the origin says. */
    issuer?: string;
    socket?: string;
    when_stale: 'closed' | 'open' | 'ask';
    workers: number;
  };
}

const DEFAULTS = { PERFECT21_GRPC_PORT: '50052', PERFECT21_HTTP_PORT: '8090', PERFECT21_METRICS_PORT: '8001' };
const GRPC_PORT = 50051;

const feedOf = (url: string | undefined, origin: URL, config: Config): FeedConfig => {
  if (url === undefined)
    return { over: 'grpc', address: `${origin.hostname}:${GRPC_PORT}`, tls: origin.protocol === 'https:' };
  if (url === 'poll') return { over: 'poll' };
  const grpc = /^grpc(s)?:\/\/([^/]+:\d{1,5})\/?$/.exec(url);
  if (grpc) return { over: 'grpc', address: grpc[2]!, tls: grpc[1] !== undefined };
  if (/^amqps?:/.test(url)) {
    const bus = busOf({ ...config.env, BUS_URL: url });
    if (bus.engine === 'rabbitmq') return { over: 'rabbitmq', bus };
  }
  throw new StartError('SIDECAR_FEED names no feed: use grpc://<host>:<port>, grpcs://…, amqp://…, amqps://… or poll');
};

/**
 * Reads the environment of a sidecar. It needs no master secret and has no store.
 *
 * @throws StartError with one line that says what to do
 */
export const loadSidecarConfig = (source: NodeJS.ProcessEnv): SidecarConfig => {
  const { SIDECAR_ORIGIN: text = 'http://localhost:8080' } = source;
  const origin = URL.canParse(text) ? new URL(text) : undefined;
  if (!origin || !/^https?:$/.test(origin.protocol) || origin.username || origin.search || origin.hash)
    throw new StartError('SIDECAR_ORIGIN names no platform: use http://<host>:<port> or https://…');
  const base = origin.href.replace(/\/$/, '');
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  const { PERFECT21_SECRET: _, STORE_URL: __, BUS_URL: ___, ...rest } = given;
  const config = loadConfig({ ...DEFAULTS, ...rest, KEYS_URL: `${base}/.well-known/jwks.json` });
  const { SIDECAR_FEED, SIDECAR_SOCKET, SIDECAR_WHEN_STALE, PERFECT21_SIDECAR_WORKERS, PERFECT21_PUBLIC_URL } =
    config.env;
  const { tracing } = config;
  return {
    ...config,
    ...(tracing && { tracing: { ...tracing, service_name: config.env.OTEL_SERVICE_NAME ?? 'sidecar' } }),
    sidecar: {
      origin: base,
      feed: feedOf(SIDECAR_FEED, origin, config),
      ...(PERFECT21_PUBLIC_URL && { issuer: config.public_url }),
      ...(SIDECAR_SOCKET && { socket: SIDECAR_SOCKET }),
      when_stale: SIDECAR_WHEN_STALE,
      workers: PERFECT21_SIDECAR_WORKERS,
    },
  };
};
