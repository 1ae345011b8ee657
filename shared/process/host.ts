/**
 * The composition root: the only file (beside generated Lambda entries) that imports adapters.
 *
 * Which ones is decided by Config; each is imported only when chosen, so that a process loads one store and not three.
 */

import type { Config } from '../config/config.ts';
import { type Adapter, Assembly } from '../kit/adapter.ts';
import type { Context } from '../kit/context.ts';
import { callLocal, type Host } from '../kit/invoke.ts';
import type { Operation } from '../kit/operation.ts';
import type { PortName, Ports } from '../ports/index.ts';
import type { StoreSchema } from '../store/schema.ts';

type AnyAdapter = Adapter<any, any>;

const storeFor = async ({ store }: Config, schema: StoreSchema): Promise<AnyAdapter> => {
  switch (store.engine) {
    case 'sqlite':
      return (await import('../store/sqlite/adapter.ts')).sqliteStore(schema);
    case 'postgres':
      return (await import('../store/postgres/adapter.ts')).postgresStore(schema);
    case 'dynamodb':
      return (await import('../store/dynamodb/adapter.ts')).dynamodbStore(schema);
  }
};

const keysFor = async ({ keys }: Config): Promise<AnyAdapter> =>
  keys.source === 'kms'
    ? (await import('../keys/kms-keys.ts')).kmsKeys
    : (await import('../keys/file-keys.ts')).fileKeys;

const tracersFor = async ({ tracing }: Config): Promise<AnyAdapter[]> =>
  tracing ? [(await import('../tracing/otlp.ts')).otlpTracer] : [];

/** The adapters that Config chooses, one for each port. */
export const adaptersFor = async (config: Config, schema: StoreSchema): Promise<AnyAdapter[]> => [
  (await import('../system/clock.ts')).systemClock,
  (await import('../system/ids.ts')).randomIds,
  (await import('../system/log.ts')).jsonLog,
  ...(await tracersFor(config)),
  (await import('../system/metrics.ts')).promMetrics,
  (await import('../system/settings.ts')).settings,
  (await import('../keys/secrets.ts')).secrets,
  (await import('../keys/sealer.ts')).sealer,
  (await import('../keys/token-signer.ts')).tokenSigner,
  (await import('../keys/verifier.ts')).verifier,
  (await import('../keys/revocations.ts')).revocations,
  (await import('../keys/service-tokens.ts')).serviceTokens,
  (await import('../passwords/argon2-native.ts')).nativePasswords,
  (await import('../delivery/email/mailer.ts')).mailer,
  (await import('../delivery/sms/sms-sender.ts')).smsSender,
  (await import('../delivery/push/pusher.ts')).pusher,
  (await import('../delivery/push/push-key.ts')).pushKey,
  await keysFor(config),
  await storeFor(config, schema),
];

/** Calls an operation whose service does not run in this process. */
export type RemoteCall = (callee: Operation<any, any>, input: unknown, context: Context) => Promise<unknown>;

export interface OpenHost extends Host {
  close(): Promise<void>;
}

/**
 * Opens every port and gives what doors run operations on.
 *
 * `replace` puts other adapters in place of the chosen ones (a test's clock); `remote` reaches services that run apart.
 *
 * @throws StartError when an engine can't be used
 */
export const openHost = async (
  config: Config,
  schema: StoreSchema,
  options: { replace?: readonly AnyAdapter[]; remote?: RemoteCall } = {},
): Promise<OpenHost> => {
  const chosen = await adaptersFor(config, schema);
  const replaced = new Set(options.replace?.map(({ port }) => port));
  const adapters = [...chosen.filter(({ port }) => !replaced.has(port)), ...(options.replace ?? [])];
  const assembly = new Assembly(adapters, config);
  try {
    const ports = {} as Record<PortName, unknown>;
    for (const { port } of adapters) ports[port as PortName] = await assembly.get(port as PortName);
    const here: ReadonlySet<string> = new Set(config.services);
    const host: OpenHost = {
      ports: ports as unknown as Ports,
      call: (callee, input, context) =>
        here.has(callee.name.slice(0, callee.name.indexOf('.'))) || !options.remote
          ? callLocal(host, callee, input, context)
          : options.remote(callee, input, context),
      close: () => assembly.close(),
    };
    return host;
  } catch (thrown) {
    await assembly.close();
    throw thrown;
  }
};
