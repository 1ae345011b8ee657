/** All ports by name: what an operation can ask for in `needs`, and what an adapter opens. */
import type { ClientAssertions } from './client-assertions.ts';
import type { ClientMarks } from './client-marks.ts';
import type { Clock, Ids } from './clock.ts';
import type { Conditions } from './conditions.ts';
import type { Connections } from './connections.ts';
import type { Crossing } from './crossing.ts';
import type { Log } from './log.ts';
import type { Mailer } from './mailer.ts';
import type { Metrics } from './metrics.ts';
import type { Passwords } from './passwords.ts';
import type { Places } from './places.ts';
import type { PolicyScopes } from './policy-scopes.ts';
import type { Pusher, PushKey } from './push.ts';
import type { Realtime } from './realtime.ts';
import type { RevocationFeed, RevocationNews, Revocations } from './revocations.ts';
import type { Sealer, Secrets } from './secrets.ts';
import type { Settings } from './settings.ts';
import type { SmsSender } from './sms.ts';
import type { Store } from './store.ts';
import type { ServiceTokens, Signer, TokenSigner, VerificationKeys, Verifier } from './tokens.ts';
import type { Tracer } from './tracer.ts';
import type { Vault } from './vault.ts';

export interface Ports {
  clientAssertions: ClientAssertions;
  clientMarks: ClientMarks;
  clock: Clock;
  conditions: Conditions;
  /** Of functions behind a WebSocket API alone: processes hold theirs themselves (`realtime`). */
  connections: Connections;
  /** Of the bridge alone. */
  crossing: Crossing;
  ids: Ids;
  log: Log;
  mailer: Mailer;
  metrics: Metrics;
  passwords: Passwords;
  policyScopes: PolicyScopes;
  /** Where addresses are; knows nothing unless an operator gives it a database. */
  places: Places;
  push: Pusher;
  pushKey: PushKey;
  sealer: Sealer;
  secrets: Secrets;
  settings: Settings;
  sms: SmsSender;
  store: Store;
  /** Public keys: who only verifies opens no others. */
  keys: VerificationKeys;
  realtime: Realtime;
  revocationFeed: RevocationFeed;
  revocations: Revocations;
  /** Of a process that others follow. */
  revocationNews: RevocationNews;
  serviceTokens: ServiceTokens;
  signer: Signer;
  tokens: TokenSigner;
  /** Absent where nothing is traced. */
  tracer?: Tracer;
  vault: Vault;
  verifier: Verifier;
}

export type PortName = keyof Ports;
