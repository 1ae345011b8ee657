/** All ports by name: what an operation can ask for in `needs`, and what an adapter opens. */
import type { Clock, Ids } from './clock.ts';
import type { Log } from './log.ts';
import type { Mailer } from './mailer.ts';
import type { Metrics } from './metrics.ts';
import type { Passwords } from './passwords.ts';
import type { Sealer, Secrets } from './secrets.ts';
import type { Settings } from './settings.ts';
import type { Store } from './store.ts';
import type { Keys, Revocations, ServiceTokens, TokenSigner, Verifier } from './tokens.ts';

export interface Ports {
  clock: Clock;
  ids: Ids;
  log: Log;
  mailer: Mailer;
  metrics: Metrics;
  passwords: Passwords;
  sealer: Sealer;
  secrets: Secrets;
  settings: Settings;
  store: Store;
  keys: Keys;
  revocations: Revocations;
  serviceTokens: ServiceTokens;
  tokens: TokenSigner;
  verifier: Verifier;
}

export type PortName = keyof Ports;
