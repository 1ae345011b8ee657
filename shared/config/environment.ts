/** The variables that a process reads, with their defaults. What an URL in them names is read beside this. */
import * as z from 'zod';
import { plainly } from './plainly.ts';
import { StartError } from './start-error.ts';

/** Kubernetes sets `<SERVICE>_PORT=tcp://10.0.0.1:50051` for a service that happens to have the name of ours; it is not meant. */
const unlessLink = (value: unknown) => (typeof value === 'string' && value.startsWith('tcp://') ? undefined : value);
const aPort = z.coerce.number().int().min(0).max(65535);
const anyPort = z.preprocess(unlessLink, aPort.optional());
const port = (fallback: number) => z.preprocess(unlessLink, aPort.default(fallback));
const seconds = (fallback: number) => z.coerce.number().int().positive().default(fallback);

export const Environment = z.object({
  PERFECT21_HTTP_PORT: anyPort.optional(),
  PERFECT21_HTTP_HOST: z.string().default('127.0.0.1'),
  PERFECT21_GRPC_PORT: port(50051),
  PERFECT21_METRICS_HOST: z.string().default('127.0.0.1'),
  PERFECT21_METRICS_PORT: port(8000),
  PERFECT21_MAILBOX_PORT: port(8025),
  PERFECT21_SMTP_PORT: port(1025),
  PERFECT21_DATA_DIR: z.string().min(1).default('.perfect21'),
  PERFECT21_SERVICES: z.string().optional(),
  PERFECT21_SECRET: z.string().optional(),
  PERFECT21_PUBLIC_URL: z.url({ protocol: /^https?$/, error: 'use http://… or https://…' }).optional(),
  PERFECT21_AUDIENCE: z.string().min(1).default('perfect21'),
  PERFECT21_TLS_CERT: z.string().optional(),
  PERFECT21_TLS_KEY: z.string().optional(),
  PERFECT21_TLS_CA: z.string().optional(),
  PERFECT21_TLS_CLIENTS: z.string().optional(),
  PERFECT21_TLS_CLIENT_AUTH: z.enum(['request', 'require']).default('request'),
  PERFECT21_TLS_PEER_NAME: z.string().optional(),
  PERFECT21_TRUSTED_PROXIES: z.string().optional(),
  PERFECT21_ORIGINS: z.string().optional(),
  PERFECT21_PASSKEY_RP_ID: z.string().min(1).optional(),
  PERFECT21_CONNECTIONS_URL: z.string().optional(),
  PERFECT21_SIGNING_ALG: z.enum(['RS256', 'ES256', 'EdDSA']).default('RS256'),
  PERFECT21_SERVICE_TOKEN: z.string().optional(),
  PERFECT21_MAX_STALENESS: z.coerce.number().int().min(500).max(600_000).default(2_000),
  PERFECT21_ACCESS_TOKEN_TTL: seconds(900).refine((n) => n <= 900, 'at most 900 seconds'),
  PERFECT21_REFRESH_IDLE_TTL: seconds(14 * 86_400),
  PERFECT21_REFRESH_ABSOLUTE_TTL: seconds(30 * 86_400),
  PERFECT21_MAX_SESSIONS: z.coerce.number().int().min(1).max(500).default(100),
  PERFECT21_AUDIT_DAYS: z.coerce.number().int().min(30).max(36_500).default(1_095),
  PERFECT21_PLACE_HEADERS: z.enum(['cloudfront', 'cloudflare', 'vercel']).optional(),
  PERFECT21_PASSWORD_MIN_LENGTH: z.coerce.number().int().min(8).max(64).default(15),
  PERFECT21_RATE_LIMITS: z
    .string()
    .default('1')
    .transform((text) => (text === 'off' ? Number.POSITIVE_INFINITY : Number(text)))
    .refine((factor) => factor >= 0.01, 'use a factor such as 0.5 or 10, or off'),
  PERFECT21_RESET_DELAY: z.coerce.number().int().min(0).max(60).default(5),
  PERFECT21_LOGIN_ATTEMPTS: z.coerce.number().int().min(3).max(100).default(10),
  PERFECT21_LOGIN_WINDOW: seconds(900),
  PERFECT21_SIDECAR_WORKERS: z.coerce.number().int().min(1).max(64).default(1),
  SIDECAR_ORIGIN: z.string().optional(),
  SIDECAR_FEED: z.string().optional(),
  SIDECAR_SOCKET: z.string().optional(),
  SIDECAR_WHEN_STALE: z.enum(['closed', 'open', 'ask']).default('closed'),
  PERFECT21_PROFILE_FIELDS: z.string().default('{}'),
  STORE_URL: z.string().optional(),
  BUS_URL: z.string().default('embedded:'),
  BRIDGE_URL: z.string().optional(),
  RABBITMQ_CA: z.string().optional(),
  RABBITMQ_CERT: z.string().optional(),
  RABBITMQ_KEY: z.string().optional(),
  RABBITMQ_QUEUE_TYPE: z.enum(['classic', 'quorum']).default('classic'),
  KEYS_URL: z.string().optional(),
  VAULT: z.string().optional(),
  MAIL_URL: z.string().optional(),
  MAIL_FROM: z.string().optional(),
  SMS_URL: z.string().optional(),
  SMS_SENDER: z
    .string()
    .regex(/^(?=.*[A-Za-z])[A-Za-z0-9-]{1,11}$/, 'use 1 to 11 letters, digits and dashes')
    .optional(),
  PUSH_URL: z.string().optional(),
  DISCOVERY_URL: z.string().optional(),
  DISCOVERY_POLICY: z.enum(['round_robin', 'random', 'least_connections', 'consistent_hash']).default('round_robin'),
  DISCOVERY_DNS_SERVER: z.string().optional(),
  DISCOVERY_ZONE: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,63}$/, 'use letters, digits, dots and dashes')
    .optional(),
  DISCOVERY_REGISTER: z.enum(['off', 'ttl', 'grpc']).default('off'),
  DISCOVERY_ADVERTISE: z.string().optional(),
  DISCOVERY_WEIGHT: z.coerce.number().int().min(1).max(65_535).default(1),
  CONSUL_HTTP_TOKEN: z.string().optional(),
  CONSUL_HTTP_SSL: z.string().optional(),
  CONSUL_CACERT: z.string().optional(),
  KUBERNETES_SERVICE_HOST: z.string().optional(),
  KUBERNETES_SERVICE_PORT: z.string().default('443'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.string().optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.string().optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.string().optional(),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: z.string().optional(),
  OTEL_TRACES_SAMPLER: z.string().default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.string().default('1'),
  OTEL_TRACES_EXPORTER: z.string().optional(),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_BSP_SCHEDULE_DELAY: z.string().default('5000'),
  OTEL_BSP_MAX_QUEUE_SIZE: z.string().default('8192'),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: z.string().default('2048'),
  OTEL_SDK_DISABLED: z.string().optional(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  NODE_ENV: z.string().optional(),
});

/** The variables as they were read. */
export type Environment = z.output<typeof Environment>;

/** @throws StartError with one line for the first that is not usable; what is empty is left out */
export const readEnvironment = (source: NodeJS.ProcessEnv): Environment => {
  const given = Object.fromEntries(Object.entries(source).filter(([, value]) => value !== ''));
  // a parser that zod compiles pays off where it is used again
  const parsed = Environment.safeParse(given, { jitless: true });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new StartError(`${issue.path.join('.')} is not usable: ${plainly(issue)}`);
};
