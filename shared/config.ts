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
  BRIDGE_URL: z.string().optional(),
  RABBITMQ_CA: z.string().optional(),
  RABBITMQ_CERT: z.string().optional(),
  RABBITMQ_KEY: z.string().optional(),
  RABBITMQ_QUEUE_TYPE: z.enum(['classic', 'quorum']).default('classic'),
  KEYS_URL: z.string().optional(),
  MAIL_URL: z.string().optional(),
  MAIL_FROM: z.string().default('perfect21 <no-reply@perfect21.local>'),
  SMS_URL: z.string().optional(),
  SMS_SENDER: z
    .string()
    .regex(/^(?=.*[A-Za-z])[A-Za-z0-9-]{1,11}$/, 'use 1 to 11 letters, digits and dashes')
    .optional(),
  PUSH_URL: z.string().optional(),
  DISCOVERY_URL: z.string().optional(),
  DISCOVERY_POLICY: z.enum(['round_robin', 'random', 'least_connections', 'consistent_hash']).default('round_robin'),
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
  OTEL_SDK_DISABLED: z.string().optional(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  NODE_ENV: z.string().optional(),
});

export type StoreConfig =
  | { engine: 'sqlite'; file: string }
  | { engine: 'postgres'; url: string }
  | { engine: 'dynamodb'; prefix: string };
export type KeysConfig = { source: 'file'; file: string } | { source: 'kms'; key_id: string };
export type MailProvider = { transport: 'smtp'; url: string } | { transport: 'ses' };
/** Providers in the order in which they are asked. `from` is `name <address>` or an address. */
export interface MailConfig {
  from: string;
  providers: readonly MailProvider[];
}
/** The development mailbox, by the address of its HTTP port. */
export type MailboxProvider = { transport: 'mailbox'; url: string };
export interface SmsConfig {
  /** None: text messages are not offered. An `sns` without a region uses the process's own. */
  providers: readonly (MailboxProvider | { transport: 'sns'; region?: string })[];
  /** What a text message comes from, where networks show a name. */
  sender?: string;
}
export interface PushConfig {
  /** None: push messages are not offered. `vapid`: Web Push, with whom a push service may contact (RFC 8292). */
  providers: readonly (MailboxProvider | { transport: 'vapid'; subject: string } | { transport: 'sns' })[];
}

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

/** Where services that run apart are; `api` and `url` are addresses of HTTP APIs, `ca` a file in PEM. */
export type DiscoveryConfig =
  | { registry: 'static'; addresses: Readonly<Record<string, readonly string[]>> }
  | { registry: 'k8s'; namespace: string; api: string }
  | { registry: 'consul'; url: string; token?: string; ca?: string }
  | { registry: 'cloudmap'; namespace: string };

/** Spans by OTLP over HTTP; `ratio` is for the samplers that take one, `url` where they are posted to. */
export interface TracingConfig {
  url: string;
  protocol: 'http/protobuf' | 'http/json';
  sampler: (typeof SAMPLERS)[number];
  ratio: number;
  service_name: string;
}

export interface Config {
  env: z.output<typeof Environment>;
  services: readonly ServiceName[];
  http: { host: string; port: number; tls?: { cert: string; key: string }; trusted_proxies: readonly string[] };
  grpc: { port: number };
  data_dir: string;
  store: StoreConfig;
  bus: BusConfig;
  /** The side beyond, for the process that joins RabbitMQ and EventBridge: a bus, and the SQS queue that it feeds. */
  bridge?: { bus: string; queue: string };
  keys: KeysConfig;
  mail: MailConfig;
  sms: SmsConfig;
  push: PushConfig;
  discovery: DiscoveryConfig;
  /** Nothing is traced without. */
  tracing?: TracingConfig;
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

const bridgeOf = (url: string): NonNullable<Config['bridge']> => {
  const [, bus, queue] = /^eventbridge:\/\/([A-Za-z0-9_.-]{1,256})\/([A-Za-z0-9_-]{1,75})$/.exec(url) ?? [];
  if (bus && queue) return { bus, queue };
  throw new StartError('BRIDGE_URL names no side to join: use eventbridge://<bus>/<SQS queue>');
};

const keysOf = (url: string): KeysConfig => {
  if (url.startsWith('file:')) return { source: 'file', file: url.slice('file:'.length) };
  if (url.startsWith('kms:')) return { source: 'kms', key_id: url.slice('kms:'.length) };
  throw new StartError('KEYS_URL names no known source: use file:<path> or kms:<key-id>');
};

/** What a variable lists, separated by spaces or commas. */
const listOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

const mailOf = (urls: string, from: string): MailConfig => {
  const providers = listOf(urls).map((url): MailProvider => {
    if (url === 'ses:') return { transport: 'ses' };
    if (/^smtps?:\/\/./.test(url) && URL.canParse(url)) return { transport: 'smtp', url };
    // the URL may hold a password
    throw new StartError('MAIL_URL names no known transport: use smtp://…, smtps://… or ses:');
  });
  return { from, providers };
};

/** The mailbox of this machine; a start that opens one on another port puts that in. */
const mailboxAt = (env: z.output<typeof Environment>): MailboxProvider => ({
  transport: 'mailbox',
  url: `http://127.0.0.1:${env.PERFECT21_MAILBOX_PORT}`,
});

/** Without a mail server of its own, a platform shows everything in its mailbox; with one it sends by what is set. */
const unlessSet = ({ MAIL_URL }: z.output<typeof Environment>): string => (MAIL_URL ? '' : 'mailbox:');

const smsOf = (env: z.output<typeof Environment>): SmsConfig => {
  const providers = listOf(env.SMS_URL ?? unlessSet(env)).map((url): SmsConfig['providers'][number] => {
    if (url === 'mailbox:') return mailboxAt(env);
    const [, region] = /^sns:(?:\/\/([a-z0-9-]{1,32}))?$/.exec(url) ?? [];
    if (url === 'sns:' || region) return { transport: 'sns', ...(region && { region }) };
    throw new StartError('SMS_URL names no known provider: use sns:, sns://<region> or mailbox:');
  });
  return { providers, ...(env.SMS_SENDER && { sender: env.SMS_SENDER }) };
};

const pushOf = (env: z.output<typeof Environment>): PushConfig => {
  const address = /<([^<>]+)>$/.exec(env.MAIL_FROM)?.[1] ?? env.MAIL_FROM;
  const providers = listOf(env.PUSH_URL ?? unlessSet(env)).map((url): PushConfig['providers'][number] => {
    if (url === 'mailbox:') return mailboxAt(env);
    if (url === 'sns:') return { transport: 'sns' };
    if (url === 'vapid:') return { transport: 'vapid', subject: `mailto:${address}` };
    const [, subject] = /^vapid:(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/.exec(url) ?? [];
    if (subject) return { transport: 'vapid', subject };
    throw new StartError('PUSH_URL names no known provider: use vapid:, vapid:mailto:<address>, sns: or mailbox:');
  });
  return { providers };
};

/** The configuration with its mailbox where it was opened: port 0 asks for any that is free. */
export const withMailbox = (config: Config, at: { httpPort: number; smtpPort: number }): Config => {
  const url = `http://127.0.0.1:${at.httpPort}`;
  const there = <P extends { transport: string }>(providers: readonly P[]): P[] =>
    providers.map((each) => (each.transport === 'mailbox' ? { ...each, url } : each));
  const { env, mail, sms, push } = config;
  const providers = [{ transport: 'smtp', url: `smtp://127.0.0.1:${at.smtpPort}` }] as const;
  return {
    ...config,
    mail: env.MAIL_URL ? mail : { ...mail, providers },
    sms: { ...sms, providers: there(sms.providers) },
    push: { ...push, providers: there(push.providers) },
  };
};

const staticOf = (list: string): DiscoveryConfig => {
  const addresses: Record<string, string[]> = {};
  for (const entry of listOf(list)) {
    const [, name, address, port] = /^([a-z]+)=((?:[^=:@/]+|\[[0-9a-fA-F:.]+\]):(\d{1,5}))$/.exec(entry) ?? [];
    if (!name || !address || !(Number(port) <= 65_535))
      throw new StartError(`DISCOVERY_URL: "${entry}" is not <service>=<host>:<port>`);
    servicesOf(name, 'DISCOVERY_URL');
    addresses[name] = [...(addresses[name] ?? []), address];
  }
  return { registry: 'static', addresses };
};

const consulAt = (host: string, env: z.output<typeof Environment>): DiscoveryConfig => {
  const { CONSUL_HTTP_TOKEN: token, CONSUL_HTTP_SSL: ssl, CONSUL_CACERT: ca } = env;
  const url = `${ssl === 'true' || ssl === '1' ? 'https' : 'http'}://${host}`;
  return { registry: 'consul', url, ...(token && { token }), ...(ca && { ca }) };
};

const discoveryOf = (env: z.output<typeof Environment>): DiscoveryConfig => {
  const { DISCOVERY_URL: url = 'static:', KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (url.startsWith('static:')) return staticOf(url.slice('static:'.length));
  // the URL may hold a password
  const [, scheme, place = ''] = /^(k8s|consul|cloudmap):\/\/([^/@?#\s]+)\/?$/.exec(url) ?? [];
  if (scheme === 'k8s' && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(place)) {
    if (!host) throw new StartError('DISCOVERY_URL: k8s:// is for pods, where Kubernetes sets KUBERNETES_SERVICE_HOST');
    const api = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
    if (URL.canParse(api)) return { registry: 'k8s', namespace: place, api };
  }
  if (scheme === 'consul' && /:\d+$/.test(place) && URL.canParse(`http://${place}`)) return consulAt(place, env);
  if (scheme === 'cloudmap' && /^[!-~]{1,1024}$/.test(place)) return { registry: 'cloudmap', namespace: place };
  throw new StartError(
    'DISCOVERY_URL names no known registry: use static:<service>=<host>:<port>,… or k8s://<namespace> or consul://<host>:<port> or cloudmap://<namespace>',
  );
};

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** OpenTelemetry's own variables (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). */
const tracingOf = (env: z.output<typeof Environment>, services: readonly ServiceName[]): TracingConfig | undefined => {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = env;
  const off = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none';
  if (off || (!base && !own)) return undefined;
  const url = own ?? `${base!.replace(/\/$/, '')}/v1/traces`;
  // the URL may hold a password
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url))
    throw new StartError('OTEL_EXPORTER_OTLP_ENDPOINT is no address of a collector: use http://… or https://…');
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json')
    throw new StartError('OTEL_EXPORTER_OTLP_PROTOCOL names no protocol of ours: use http/protobuf or http/json');
  const sampler = SAMPLERS.find((each) => each === env.OTEL_TRACES_SAMPLER);
  if (!sampler) throw new StartError(`OTEL_TRACES_SAMPLER names no known sampler: use ${SAMPLERS.join(', ')}`);
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG);
  if (!(ratio >= 0 && ratio <= 1))
    throw new StartError('OTEL_TRACES_SAMPLER_ARG is no share: use a number from 0 to 1');
  const service_name = env.OTEL_SERVICE_NAME ?? (services.length === 1 ? `perfect21-${services[0]}` : 'perfect21');
  return { url, protocol, sampler, ratio, service_name };
};

const servicesOf = (list: string | undefined, variable = 'PERFECT21_SERVICES'): readonly ServiceName[] => {
  if (!list) return SERVICE_NAMES;
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  for (const name of names) {
    if (!(SERVICE_NAMES as readonly string[]).includes(name)) {
      throw new StartError(`${variable}: there is no service "${name}": choose from ${SERVICE_NAMES.join(', ')}`);
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
  const tracing = tracingOf(env, services);
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
    ...(env.BRIDGE_URL && { bridge: bridgeOf(env.BRIDGE_URL) }),
    keys: keysOf(env.KEYS_URL ?? `file:${resolve(dataDir, 'signing-keys.json')}`),
    mail: mailOf(env.MAIL_URL ?? `smtp://127.0.0.1:${env.PERFECT21_SMTP_PORT}`, env.MAIL_FROM),
    sms: smsOf(env),
    push: pushOf(env),
    discovery: discoveryOf(env),
    ...(tracing && { tracing }),
    public_url: (env.PERFECT21_PUBLIC_URL ?? `${tls ? 'https' : 'http'}://localhost:${httpPort}`).replace(/\/$/, ''),
    ...(env.PERFECT21_SECRET && { secret: env.PERFECT21_SECRET }),
  };
};
