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
import { hostPorts } from '../kit/reach.ts';
import type { PortName, Ports } from '../ports/index.ts';
import type { StoreSchema } from '../store/schema.ts';
import { tracersFor } from './tracers.ts';

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

/** The store with what older releases did not write. */
const filled = (store: Adapter<'store'>, { fill }: StoreSchema): AnyAdapter => ({
  ...store,
  open: async (...given) => {
    const opened = await store.open(...given);
    try {
      await fill?.(opened.port);
      return opened;
    } catch (thrown) {
      await opened.close?.();
      throw thrown;
    }
  },
});

const keysFor = async ({ keys }: Config): Promise<AnyAdapter[]> => {
  switch (keys.source) {
    case 'file': {
      const { fileKeys, fileSigner } = await import('../keys/file-keys.ts');
      return [fileKeys, fileSigner];
    }
    case 'kms': {
      const { kmsKeys, kmsSigner } = await import('../keys/kms-keys.ts');
      return [kmsKeys, kmsSigner];
    }
    case 'jwks': {
      const { jwksKeys, noSigner } = await import('../keys/jwks-keys.ts');
      return [jwksKeys, noSigner];
    }
  }
};

/** A secret of its own, beside keys of another process, would make every client look like another one. */
const clientMarksFor = async ({ keys, secret }: Config): Promise<AnyAdapter> => {
  const { clientMarks, noClientMarks } = await import('../keys/client-marks.ts');
  return keys.source === 'jwks' && !secret ? noClientMarks : clientMarks;
};

const revocationsFor = async (): Promise<AnyAdapter[]> => {
  const { toldRevocations, revocationNews } = await import('../keys/told-revocations.ts');
  return [toldRevocations, revocationNews];
};

/** What is kept for years is sealed by the master secrets, or by KMS where `VAULT` says so. */
const vaultFor = async ({ env: { VAULT = 'secret:' } }: Config): Promise<AnyAdapter> =>
  VAULT === 'secret:' ? (await import('../keys/vault.ts')).vault : (await import('../keys/kms-vault.ts')).kmsVault;

/** The adapters that Config chooses, one for each port. */
export const adaptersFor = async (config: Config, schema: StoreSchema): Promise<AnyAdapter[]> => [
  (await import('../system/clock.ts')).systemClock,
  (await import('../system/ids.ts')).randomIds,
  (await import('../system/log.ts')).jsonLog,
  ...(await tracersFor(config)),
  (await import('../system/metrics.ts')).promMetrics,
  (await import('../system/settings.ts')).settings,
  (await import('../system/places.ts')).noPlaces,
  (await import('../keys/secrets.ts')).secrets,
  await clientMarksFor(config),
  (await import('../conditions/conditions.ts')).celConditions,
  (await import('../conditions/policy-scopes.ts')).everyPolicy,
  (await import('../keys/sealer.ts')).sealer,
  await vaultFor(config),
  (await import('../keys/token-signer.ts')).tokenSigner,
  (await import('../keys/verifier.ts')).verifier,
  ...(await revocationsFor()),
  (await import('../keys/store-feed.ts')).storeFeed,
  (await import('../keys/service-tokens.ts')).serviceTokens,
  (await import('../keys/client-assertions.ts')).clientAssertions,
  (await import('../passwords/argon2-native.ts')).nativePasswords,
  (await import('../delivery/email/mailer.ts')).mailer,
  (await import('../delivery/sms/sms-sender.ts')).smsSender,
  (await import('../delivery/push/pusher.ts')).pusher,
  (await import('../delivery/push/push-key.ts')).pushKey,
  (await import('../delivery/realtime/hub.ts')).realtimeHub,
  ...(await keysFor(config)),
  filled(await storeFor(config, schema), schema),
];

/** Calls an operation whose service does not run in this process. */
export type RemoteCall = (callee: Operation<any, any>, input: unknown, context: Context) => Promise<unknown>;

export interface OpenHost extends Host {
  close(): Promise<void>;
}

/** The service of an operation, as its name has it. */
const serviceOf = ({ name }: Operation<any, any>): string => name.slice(0, name.indexOf('.'));

/**
 * Every port that operations reach in this process: their own, those of callees that are here, and what tells who calls.
 *
 * @param services those of this process, by their names in the table of operations
 */
export const portsReached = (
  operations: readonly Operation<any, any>[],
  services: readonly string[],
): ReadonlySet<PortName> => {
  const here = (callee: Operation<any, any>): boolean => services.includes(serviceOf(callee));
  // nobody calls a handler but its queue
  return new Set(operations.flatMap((op) => [...hostPorts(op, here, op.subscription ? 'public' : op.access)]));
};

/**
 * Opens ports and gives what doors run operations on.
 *
 * `ports` are those that are wanted, all when left out: they and what they need are opened, side by side; a tracer
 * always, where Config names one. `replace` puts other adapters in place of the chosen ones (a test's clock); `remote`
 * reaches services that run apart.
 *
 * @throws StartError when an engine can't be used
 */
export const openHost = async (
  config: Config,
  schema: StoreSchema,
  options: Pick<Host, 'standing'> & {
    replace?: readonly AnyAdapter[];
    remote?: RemoteCall;
    ports?: Iterable<PortName>;
  } = {},
): Promise<OpenHost> => {
  const chosen = await adaptersFor(config, schema);
  const replaced = new Set(options.replace?.map(({ port }) => port));
  const adapters = [...chosen.filter(({ port }) => !replaced.has(port)), ...(options.replace ?? [])];
  const assembly = new Assembly(adapters, config);
  const names = new Set<PortName>(adapters.map(({ port }) => port));
  const wanted = new Set(options.ports ?? names);
  if (names.has('tracer')) wanted.add('tracer');
  const opened = await Promise.allSettled([...wanted].map(async (port) => [port, await assembly.get(port)] as const));
  const failed = opened.find((each) => each.status === 'rejected');
  if (failed) {
    await assembly.close();
    throw failed.reason;
  }
  const ports = Object.fromEntries(opened.map((each) => (each as PromiseFulfilledResult<[PortName, unknown]>).value));
  const here: ReadonlySet<string> = new Set(config.services);
  const host: OpenHost = {
    ports: ports as unknown as Ports,
    call: (callee, input, context) =>
      here.has(serviceOf(callee)) || !options.remote
        ? callLocal(host, callee, input, context)
        : options.remote(callee, input, context),
    ...(options.standing && { standing: options.standing }),
    close: () => assembly.close(),
  };
  return host;
};
