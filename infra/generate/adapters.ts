/** The adapters of the functions: which stands behind a port, in AWS and where the same function runs on this machine. */
import { join } from 'node:path';
import type { Adapter } from '../../shared/kit/adapter.ts';
import { hostPorts } from '../../shared/kit/reach.ts';
import type { PortName } from '../../shared/ports/index.ts';
import { ROOT } from './files.ts';
import { type LambdaFunction, type Located, schema } from './platform.ts';

interface Source extends Located {
  /** It is made by a function of the schema, and of what is said here. */
  ofSchema?: '' | '{ may_reshape: false }';
}

/** One adapter, or one for AWS and one for this machine and the condition (on Config) by which AWS's is taken. */
export type Choice = { port: PortName; aws: Source } & ({ local?: undefined } | { local: Source; when: string });

// log and metrics are missing: they are Powertools', which shared/doors/lambda/container.ts adds; so is crossing,
// which the bridge's doors bring
const CHOICES: readonly Choice[] = [
  { port: 'clock', aws: { file: 'shared/system/clock.ts', name: 'systemClock' } },
  { port: 'ids', aws: { file: 'shared/system/ids.ts', name: 'randomIds' } },
  { port: 'settings', aws: { file: 'shared/system/settings.ts', name: 'settings' } },
  { port: 'places', aws: { file: 'shared/system/places.ts', name: 'noPlaces' } },
  { port: 'secrets', aws: { file: 'shared/keys/secrets.ts', name: 'secrets' } },
  { port: 'clientMarks', aws: { file: 'shared/keys/client-marks.ts', name: 'clientMarks' } },
  { port: 'conditions', aws: { file: 'shared/conditions/conditions.ts', name: 'celConditions' } },
  { port: 'policyScopes', aws: { file: 'shared/conditions/policy-scopes.ts', name: 'everyPolicy' } },
  { port: 'sealer', aws: { file: 'shared/keys/sealer.ts', name: 'sealer' } },
  {
    port: 'vault',
    aws: { file: 'shared/keys/kms-vault.ts', name: 'kmsVault' },
    local: { file: 'shared/keys/vault.ts', name: 'vault' },
    when: "env.VAULT?.startsWith('arn:')",
  },
  // a native addon would tie the bundle to one platform
  { port: 'passwords', aws: { file: 'shared/passwords/argon2-node.ts', name: 'nodePasswords' } },
  {
    port: 'store',
    aws: { file: 'shared/store/dynamodb/adapter.ts', name: 'dynamodbStore', ofSchema: '{ may_reshape: false }' },
    local: { file: 'shared/store/sqlite/adapter.ts', name: 'sqliteStore', ofSchema: '' },
    when: "store.engine === 'dynamodb'",
  },
  {
    port: 'keys',
    aws: { file: 'shared/keys/kms-keys.ts', name: 'kmsKeys' },
    local: { file: 'shared/keys/file-keys.ts', name: 'fileKeys' },
    when: "keys.source === 'kms'",
  },
  {
    port: 'signer',
    aws: { file: 'shared/keys/kms-keys.ts', name: 'kmsSigner' },
    local: { file: 'shared/keys/file-keys.ts', name: 'fileSigner' },
    when: "keys.source === 'kms'",
  },
  { port: 'tokens', aws: { file: 'shared/keys/token-signer.ts', name: 'tokenSigner' } },
  { port: 'revocations', aws: { file: 'shared/keys/revocations.ts', name: 'revocations' } },
  { port: 'revocationFeed', aws: { file: 'shared/keys/store-feed.ts', name: 'storeFeed' } },
  { port: 'verifier', aws: { file: 'shared/keys/verifier.ts', name: 'verifier' } },
  { port: 'clientAssertions', aws: { file: 'shared/keys/client-assertions.ts', name: 'clientAssertions' } },
  { port: 'serviceTokens', aws: { file: 'shared/keys/service-tokens.ts', name: 'serviceTokens' } },
  {
    port: 'mailer',
    aws: { file: 'shared/delivery/email/ses-mailer.ts', name: 'sesMailer' },
    local: { file: 'shared/delivery/email/smtp-mailer.ts', name: 'smtpMailer' },
    when: "mail.providers[0]?.transport === 'ses'",
  },
  { port: 'sms', aws: { file: 'shared/delivery/sms/sms-sender.ts', name: 'smsSender' } },
  { port: 'push', aws: { file: 'shared/delivery/push/pusher.ts', name: 'pusher' } },
  { port: 'connections', aws: { file: 'shared/delivery/realtime/gateway.ts', name: 'gatewayConnections' } },
  { port: 'pushKey', aws: { file: 'shared/delivery/push/push-key.ts', name: 'pushKey' } },
];

const load = async ({ file, name, ofSchema }: Source): Promise<Adapter> => {
  const value = (await import(join(ROOT, file)))[name];
  if (!value) throw new Error(`${file} exports no ${name}`);
  return ofSchema === undefined ? value : value(schema);
};

const loaded = new Map<PortName, { choice: Choice; aws: Adapter; local?: Adapter }>();
for (const choice of CHOICES) {
  const local = choice.local && (await load(choice.local));
  loaded.set(choice.port, { choice, aws: await load(choice.aws), ...(local && { local }) });
}

/** Ports that a function opens, what its adapters need included; log and metrics left out. */
const portsOf = ({ operations, judges = [], queue, bridge, socket, fallback, relay }: LambdaFunction): PortName[] => {
  const found = new Set<PortName>();
  const visit = (port: PortName): void => {
    if (port === 'log' || port === 'metrics' || port === 'crossing' || found.has(port)) return;
    const entry = loaded.get(port);
    if (!entry) throw new Error(`no adapter for port ${port}: add it to infra/generate/adapters.ts`);
    for (const need of new Set([...entry.aws.needs, ...(entry.local?.needs ?? [])])) visit(need);
    found.add(port);
  };
  if (fallback || relay) for (const port of ['clock', 'ids', 'store'] as const) visit(port);
  // how long the audit log is kept
  if (relay) visit('settings');
  // what /readyz asks
  if (fallback) visit('keys');
  for (const op of [...operations, ...judges]) {
    // nobody calls a queue's handlers but the queue, and those of connections but their API
    for (const port of hostPorts(queue || bridge || socket ? { ...op, access: 'public' } : op)) visit(port);
  }
  return [...found].sort();
};

/** The adapters of a function, by port. */
export const choicesOf = (of: LambdaFunction): Choice[] => portsOf(of).map((port) => loaded.get(port)!.choice);

/** Those that it runs on in AWS: what its environment and rights follow from. */
export const awsAdaptersOf = (of: LambdaFunction): Adapter[] => portsOf(of).map((port) => loaded.get(port)!.aws);
