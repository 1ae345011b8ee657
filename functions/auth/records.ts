import { type Counter, collection } from '../../shared/ports/store.ts';
import { keyOf } from '../../shared/ports/vault.ts';
import type { Algorithm } from './authenticator-data.ts';

/** Consecutive failed logins, by account or, where there is none, by a hash of what was typed. */
export const loginAttempts = collection<Counter>()('login_attempts', { counts: true });

/** By a hash of client and `jti`: assertions that were used (RFC 7523), until they would be over anyway. */
export const clientAssertions = collection<Record<string, never>>()('client_assertions');

/** The second factor of a user: an authenticator app, and the codes for who lost it. */
export interface FactorRecord {
  /** Names this seed: another one has codes of its own. */
  factor_id: string;
  /** In the vault, for its user. */
  sealed_seed: string;
  /** Unix seconds. Without it the app is being set up, and nobody is asked for a code. */
  confirmed_at?: number;
  /** Hashes of the recovery codes that are left. */
  recovery: string[];
}

/** By user id. Listed by the key that sealed it, so that the seeds of an older one can be sealed anew. */
export const factors = collection<FactorRecord>()('factors', {
  indexes: { by_key: { hash: ({ sealed_seed }) => keyOf(sealed_seed), sort: (_, id) => id } },
});

/** A credential that logs in by itself (WebAuthn). */
export interface Passkey {
  /** Of the credential, base64url. */
  id: string;
  /** What its owner calls it. */
  name?: string;
  /** COSE. */
  algorithm: Algorithm;
  /** SubjectPublicKeyInfo in DER, base64url. */
  public_key: string;
  /** Signatures so far; 0 where it does not count. */
  counter: number;
  /** It may be copied to other devices, and is. */
  eligible: boolean;
  backed_up: boolean;
  transports?: string[];
  /** Unix seconds. */
  created_at: number;
  last_used_at?: number;
}

/** By user id: all that a user has, so that there are never more than one may have. */
export const passkeys = collection<{ passkeys: Passkey[] }>()('passkeys');

/** By a hash of its id: whose a credential is. */
export const passkeyOwners = collection<{ user_id: string }>()('passkey_owners');

/** By a keyed hash of seed and time step, or of a challenge: what was taken, as long as it could be shown again. */
export const spentCodes = collection<Counter>()('spent_codes', { counts: true });
