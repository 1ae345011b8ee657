/** What the environment may say. Read once, at the start; a mistake stops the start with one line that says what to do. */
import { resolve } from 'node:path';
import * as z from 'zod';

/** A start that cannot go on: its message is the one line an operator sees. */
export class StartError extends Error {
  override name = 'StartError';
}

const anyPort = z.coerce.number().int().min(0).max(65535);
const port = (fallback: number) => anyPort.default(fallback);
const seconds = (fallback: number) => z.coerce.number().int().positive().default(fallback);

export const SERVICE_NAMES = ['auth', 'users', 'permissions', 'sessions', 'notifications'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];
const OWN_PORT: Record<ServiceName, number> = {
  auth: 8080,
  users: 8081,
  permissions: 8082,
  sessions: 8083,
  notifications: 8084,
};

const Environment = z.object({
  PERFECT21_HTTP_PORT: anyPort.optional(),
  PERFECT21_HTTP_HOST: z.string().default('127.0.0.1'),
  PERFECT21_GRPC_PORT: port(50051),
  PERFECT21_METRICS_PORT: port(8000),
  PERFECT21_MAILBOX_PORT: port(8025),
  PERFECT21_SMTP_PORT: port(1025),
  PERFECT21_DATA_DIR: z.string().min(1).default('.perfect21'),
  PERFECT21_SERVICES: z.string().optional(),
  PERFECT21_SECRET: z.string().optional(),
  PERFECT21_PUBLIC_URL: z.url().optional(),
  PERFECT21_AUDIENCE: z.string().min(1).default('perfect21'),
  PERFECT21_TLS_CERT: z.string().optional(),
  PERFECT21_TLS_KEY: z.string().optional(),
  PERFECT21_TRUSTED_PROXIES: z.string().optional(),
  PERFECT21_SIGNING_ALG: z.enum(['RS256', 'ES256', 'EdDSA']).default('RS256'),
  PERFECT21_SERVICE_TOKEN: z.string().optional(),
  PERFECT21_ACCESS_TOKEN_TTL: seconds(900).refine((n) => n <= 900, 'at most 900 seconds'),
  PERFECT21_REFRESH_IDLE_TTL: seconds(14 * 86_400),
  PERFECT21_REFRESH_ABSOLUTE_TTL: seconds(30 * 86_400),
  PERFECT21_PASSWORD_MIN_LENGTH: z.coerce.number().int().min(8).max(64).default(15),
  PERFECT21_LOGIN_ATTEMPTS: z.coerce.number().int().min(3).max(100).default(10),
  PERFECT21_LOGIN_WINDOW: seconds(900),
  STORE_URL: z.string().optional(),
  BUS_URL: z.string().default('embedded:'),
  RABBITMQ_CA: z.string().optional(),
  RABBITMQ_CERT: z.string().optional(),
  RABBITMQ_KEY: z.string().optional(),
  RABBITMQ_QUEUE_TYPE: z.enum(['classic', 'quorum']).default('classic'),
  KEYS_URL: z.string().optional(),
  MAIL_URL: z.string().optional(),
  MAIL_FROM: z.string().default('perfect21 <no-reply@perfect21.local>'),
  DISCOVERY_URL: z.string().optional(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  NODE_ENV: z.string().optional(),
});

export type StoreConfig =
  | { engine: 'sqlite'; file: string }
  | { engine: 'postgres'; url: string }
  | { engine: 'dynamodb'; prefix: string };
export type KeysConfig = { source: 'file'; file: string } | { source: 'kms'; key_id: string };
/** `from` is `name <address>` or an address. */
export type MailConfig = { transport: 'smtp'; url: string; from: string } | { transport: 'ses'; from: string };

/** Of RabbitMQ: files in PEM for `amqps://`, the authority of the server and a client's certificate with its key. */
export type BusConfig =
  | { engine: 'embedded' }
  | { engine: 'eventbridge'; name: string }
  | {
      engine: 'rabbitmq';
      url: string;
      queue_type: 'classic' | 'quorum';
      tls: { ca?: string; cert?: string; key?: string };
    };

export interface Config {
  env: z.output<typeof Environment>;
  services: readonly ServiceName[];
  http: { host: string; port: number; tls?: { cert: string; key: string }; trusted_proxies: readonly string[] };
  grpc: { port: number };
  data_dir: string;
  store: StoreConfig;
  bus: BusConfig;
  keys: KeysConfig;
  mail: MailConfig;
  /** Where services that run apart are: `static:auth=host:port,users=host:port`. */
  discovery: Readonly<Record<string, readonly string[]>>;
  public_url: string;
  secret?: string;
}

const storeOf = (url: string, dataDir: string): StoreConfig => {
  if (url.startsWith('sqlite:')) {
    const file = url.slice('sqlite:'.length);
    return { engine: 'sqlite', file: file === '' ? resolve(dataDir, 'perfect21.db') : file };
  }
  if (/^postgres(ql)?:\/\//.test(url)) return { engine: 'postgres', url };
  const dynamo = /^dynamodb:\/\/([A-Za-z0-9_.-]{3,40})$/.exec(url);
  if (dynamo) return { engine: 'dynamodb', prefix: dynamo[1]! };
  throw new StartError('STORE_URL names no known engine: use sqlite:<file>, postgres://… or dynamodb://<table-prefix>');
};

const busOf = (env: z.output<typeof Environment>): BusConfig => {
  const { BUS_URL: url, RABBITMQ_CA: ca, RABBITMQ_CERT: cert, RABBITMQ_KEY: key } = env;
  if (url === 'embedded:') return { engine: 'embedded' };
  const eventBridge = /^eventbridge:\/\/([A-Za-z0-9_.-]{1,256})$/.exec(url);
  if (eventBridge) return { engine: 'eventbridge', name: eventBridge[1]! };
  // the URL may hold a password
  if (!/^amqps?:\/\/./.test(url) || !URL.canParse(url))
    throw new StartError('BUS_URL names no known engine: use embedded:, amqp://…, amqps://… or eventbridge://<bus>');
  if (!!cert !== !!key) throw new StartError('RABBITMQ_CERT and RABBITMQ_KEY belong together: set both or neither');
  if ((ca || cert) && !url.startsWith('amqps:'))
    throw new StartError('RABBITMQ_CA and RABBITMQ_CERT are for TLS: BUS_URL has to begin with amqps://');
  return { engine: 'rabbitmq', url, queue_type: env.RABBITMQ_QUEUE_TYPE, tls: { ca, cert, key } };
};

const keysOf = (url: string): KeysConfig => {
  if (url.startsWith('file:')) return { source: 'file', file: url.slice('file:'.length) };
  if (url.startsWith('kms:')) return { source: 'kms', key_id: url.slice('kms:'.length) };
  throw new StartError('KEYS_URL names no known source: use file:<path> or kms:<key-id>');
};

const mailOf = (url: string, from: string): MailConfig => {
  if (url === 'ses:') return { transport: 'ses', from };
  if (/^smtps?:\/\/./.test(url) && URL.canParse(url)) return { transport: 'smtp', url, from };
  // the URL may hold a password
  throw new StartError('MAIL_URL names no known transport: use smtp://…, smtps://… or ses:');
};

const discoveryOf = (url: string | undefined): Config['discovery'] => {
  if (!url) return {};
  if (!url.startsWith('static:'))
    throw new StartError('DISCOVERY_URL names no known registry: use static:<service>=<host>:<port>,…');
  const found: Record<string, string[]> = {};
  for (const entry of url.slice('static:'.length).split(',').filter(Boolean)) {
    const [, name, address] = /^([a-z]+)=([^=\s]+:\d{1,5})$/.exec(entry.trim()) ?? [];
    if (!name || !address) throw new StartError(`DISCOVERY_URL: "${entry}" is not <service>=<host>:<port>`);
    found[name] = [...(found[name] ?? []), address];
  }
  return found;
};

const servicesOf = (list: string | undefined): readonly ServiceName[] => {
  if (!list) return SERVICE_NAMES;
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  for (const name of names) {
    if (!(SERVICE_NAMES as readonly string[]).includes(name)) {
      throw new StartError(
        `PERFECT21_SERVICES: there is no service "${name}": choose from ${SERVICE_NAMES.join(', ')}`,
      );
    }
  }
  return names as ServiceName[];
};

const WEAK = /^(.)\1*$|secret|password|change.?me|example|sample/i;

/** A secret that others may know is no secret. */
export const requireStrongSecret = (secret: string): string => {
  if (Buffer.byteLength(secret) < 32 || WEAK.test(secret)) {
    throw new StartError(
      'PERFECT21_SECRET is too weak: set at least 32 random bytes, e.g. from "openssl rand -base64 32"',
    );
  }
  return secret;
};

/**
 * Reads the environment.
 *
 * @throws StartError with one line that says what to do
 */
export const loadConfig = (source: NodeJS.ProcessEnv): Config => {
  const parsed = Environment.safeParse(Object.fromEntries(Object.entries(source).filter(([, value]) => value !== '')));
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new StartError(`${issue.path.join('.')} is not usable: ${issue.message}`);
  }
  const env = parsed.data;
  const services = servicesOf(env.PERFECT21_SERVICES);
  const dataDir = resolve(env.PERFECT21_DATA_DIR);
  const store = storeOf(env.STORE_URL ?? 'sqlite:', dataDir);
  if (!!env.PERFECT21_TLS_CERT !== !!env.PERFECT21_TLS_KEY) {
    throw new StartError('PERFECT21_TLS_CERT and PERFECT21_TLS_KEY belong together: set both or neither');
  }
  if (env.PERFECT21_SECRET !== undefined) requireStrongSecret(env.PERFECT21_SECRET);
  else if (store.engine !== 'sqlite' || env.NODE_ENV === 'production') {
    throw new StartError(
      'PERFECT21_SECRET is missing: set at least 32 random bytes, the same for all processes of one platform',
    );
  }
  const httpPort = env.PERFECT21_HTTP_PORT ?? (services.length === 1 ? OWN_PORT[services[0]!] : 8080);
  const tls = env.PERFECT21_TLS_CERT ? { cert: env.PERFECT21_TLS_CERT, key: env.PERFECT21_TLS_KEY! } : undefined;
  return {
    env,
    services,
    http: {
      host: env.PERFECT21_HTTP_HOST,
      port: httpPort,
      ...(tls && { tls }),
      trusted_proxies: env.PERFECT21_TRUSTED_PROXIES?.split(',').map((each) => each.trim()) ?? [],
    },
    grpc: { port: env.PERFECT21_GRPC_PORT },
    data_dir: dataDir,
    store,
    bus: busOf(env),
    keys: keysOf(env.KEYS_URL ?? `file:${resolve(dataDir, 'signing-keys.json')}`),
    mail: mailOf(env.MAIL_URL ?? `smtp://127.0.0.1:${env.PERFECT21_SMTP_PORT}`, env.MAIL_FROM),
    discovery: discoveryOf(env.DISCOVERY_URL),
    public_url: (env.PERFECT21_PUBLIC_URL ?? `${tls ? 'https' : 'http'}://localhost:${httpPort}`).replace(/\/$/, ''),
    ...(env.PERFECT21_SECRET && { secret: env.PERFECT21_SECRET }),
  };
};
