/** What the environment may say. Read once, at the start; a mistake stops the start with one line that says what to do. */
import { resolve } from 'node:path';
import type { ProfileFields, Settings } from '../ports/settings.ts';
import { type BridgeConfig, type BusConfig, bridgeOf, busOf } from './bus.ts';
import { type DeliveryConfig, mailOf, pushOf, smsOf } from './delivery.ts';
import { type DiscoveryConfig, discoveryOf } from './discovery.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { type KeysConfig, keysOf, SECRET_MISSING, SECRETS_MANAGER, secretsIn, sharesSecret } from './keys.ts';
import { profileOf } from './profile.ts';
import { type RegistrationConfig, registrationOf } from './registration.ts';
import { OWN_PORT, type ServiceName, servicesOf } from './services.ts';
import { StartError } from './start-error.ts';
import { type StoreConfig, storeOf } from './store.ts';
import { type TlsConfig, tlsOf } from './tls.ts';
import { type TracingConfig, tracingOf } from './tracing.ts';

export interface Config extends DeliveryConfig {
  env: Environment;
  services: readonly ServiceName[];
  http: {
    host: string;
    port: number;
    trusted_proxies: readonly string[];
    origins: readonly string[];
    place_headers?: Environment['PERFECT21_PLACE_HEADERS'];
  };
  grpc: { port: number };
  tls?: TlsConfig;
  data_dir: string;
  store: StoreConfig;
  bus: BusConfig;
  /** For the process that joins RabbitMQ and EventBridge. */
  bridge?: BridgeConfig;
  keys: KeysConfig;
  discovery: DiscoveryConfig;
  /** This process is in no registry without. */
  registration?: RegistrationConfig;
  /** Nothing is traced without. */
  tracing?: TracingConfig;
  public_url: string;
  passkeys: Settings['passkeys'];
  profile: ProfileFields;
  /** The secret itself (several: newest first), or `secretsmanager:<id>`. */
  secret?: string;
}

/** Origins of pages, e.g. `https://app.example`. @throws StartError for what is none */
export const originsOf = (text: string | undefined): string[] =>
  (text ?? '').split(',').flatMap((entry) => {
    const origin = entry.trim().replace(/\/$/, '');
    if (!origin) return [];
    if (/^https?:\/\/[^/?#@\s]+$/.test(origin) && URL.canParse(origin)) return [new URL(origin).origin];
    throw new StartError(`PERFECT21_ORIGINS: "${origin}" is no origin such as https://app.example`);
  });

/** Pages within the domain of the relying party; by default that of the public URL. @throws StartError for another one */
const passkeysOf = (publicUrl: string, others: readonly string[], rpId?: string): Settings['passkeys'] => {
  const { hostname, origin } = new URL(publicUrl);
  const rp_id = rpId ?? hostname;
  const origins = [origin, ...others].filter((each) => `.${new URL(each).hostname}`.endsWith(`.${rp_id}`));
  if (origins.length > 0) return { rp_id, origins };
  throw new StartError(`PERFECT21_PASSKEY_RP_ID: "${rp_id}" is the domain of no page that may ask`);
};

/**
 * Reads the environment.
 *
 * @throws StartError with one line that says what to do
 */
export const loadConfig = (source: NodeJS.ProcessEnv): Config => {
  const env = readEnvironment(source);
  const services = servicesOf(env.PERFECT21_SERVICES);
  const dataDir = resolve(env.PERFECT21_DATA_DIR);
  const store = storeOf(env.STORE_URL ?? 'sqlite:', dataDir);
  const keys = keysOf(env.KEYS_URL ?? `file:${resolve(dataDir, 'signing-keys.json')}`);
  // who can only verify shares nothing that has to be kept secret; a port that needs it after all says so
  const verifiesOnly = keys.source === 'jwks';
  if (env.PERFECT21_SECRET !== undefined) {
    if (!env.PERFECT21_SECRET.startsWith(SECRETS_MANAGER)) secretsIn(env.PERFECT21_SECRET);
  } else if (!verifiesOnly && sharesSecret({ env, store })) {
    throw new StartError(SECRET_MISSING);
  }
  if (env.PERFECT21_RATE_LIMITS === Number.POSITIVE_INFINITY && env.NODE_ENV === 'production') {
    throw new StartError('PERFECT21_RATE_LIMITS=off is for tests: in production set a factor, 1 for the usual bounds');
  }
  const httpPort = env.PERFECT21_HTTP_PORT ?? (services.length === 1 ? OWN_PORT[services[0]!] : 8080);
  const tls = tlsOf(env);
  const tracing = tracingOf(env, services);
  const discovery = discoveryOf(env);
  const registration = registrationOf(env, discovery, env.PERFECT21_HTTP_HOST, tls);
  // tokens are issued, and links in mails opened, where auth runs
  const authPort = services.includes('auth') ? httpPort : OWN_PORT.auth;
  const ownUrl = `${tls?.cert ? 'https' : 'http'}://localhost:${authPort}`;
  const publicUrl = (env.PERFECT21_PUBLIC_URL ?? ownUrl).replace(/\/$/, '');
  return {
    env,
    services,
    http: {
      host: env.PERFECT21_HTTP_HOST,
      port: httpPort,
      trusted_proxies: env.PERFECT21_TRUSTED_PROXIES?.split(',').map((each) => each.trim()) ?? [],
      origins: originsOf(env.PERFECT21_ORIGINS),
      place_headers: env.PERFECT21_PLACE_HEADERS,
    },
    grpc: { port: env.PERFECT21_GRPC_PORT },
    ...(tls && { tls }),
    data_dir: dataDir,
    store,
    bus: busOf(env),
    ...(env.BRIDGE_URL && { bridge: bridgeOf(env.BRIDGE_URL) }),
    keys,
    mail: mailOf(env, publicUrl),
    sms: smsOf(env),
    push: pushOf(env, publicUrl),
    discovery,
    ...(registration && { registration }),
    ...(tracing && { tracing }),
    public_url: publicUrl,
    passkeys: passkeysOf(publicUrl, originsOf(env.PERFECT21_ORIGINS), env.PERFECT21_PASSKEY_RP_ID),
    profile: profileOf(env.PERFECT21_PROFILE_FIELDS),
    ...(env.PERFECT21_SECRET && { secret: env.PERFECT21_SECRET }),
  };
};
