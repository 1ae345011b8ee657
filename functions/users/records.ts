/** What the users service keeps. No other service reads these. */
import { type Counter, collection } from '../../shared/ports/store.ts';
import type { UserStatus } from './status.ts';

/** An account without its password. Times are unix seconds. */
export interface UserRecord {
  email: string;
  username?: string;
  first_name?: string;
  last_name?: string;
  phone_number?: string;
  /** The number that messages go to: its owner has read a code sent there. */
  proven_phone?: string;
  locale?: string;
  /** What another system calls it, from which it was imported. */
  external_id?: string;
  status: UserStatus;
  /** Its owner has read a mail sent to the address. */
  verified: boolean;
  /** It was registered with other passwords, too: the first one, which is kept, is not its owner's for sure. */
  contested?: boolean;
  mfa_enabled: boolean;
  /** Unix ms of the change that `mfa_enabled` is of. */
  mfa_changed_at?: number;
  /** Unix ms, since when its owner has it again: after a reset, or when it said that something was not its doing. */
  recovered_at?: number;
  created_at: number;
  last_login_at?: number;
  profile: Record<string, string>;
  /** Tokens and sessions of older generations are dead: raised by a password change, a reset, a status change. */
  generation: number;
  /** The session that the last raise of the generation spared: it may go on although it began before. */
  spared_session_id?: string;
}

/** Lists of all accounts: one partition of DynamoDB would hold up an import. */
const SHARDS = 16;
/** Of each status, which a search reads side by side. */
const TERM_SHARDS = 8;

export const users = collection<UserRecord>()('users', {
  subject: (_, id) => id,
  indexes: {
    by_status: { hash: (user) => user.status, sort: (_, id) => id, shards: SHARDS },
    by_creation: {
      hash: ({ status }) => (status === 'deleted' ? undefined : 'all'),
      sort: (_, id) => id,
      shards: SHARDS,
    },
  },
});

/** One of the texts by whose beginning an account is found (terms.ts). */
export interface UserTerm {
  user_id: string;
  term: string;
  status: UserStatus;
}

/** By `<user id>:<kind>`, written in the transactions that write the account, with its expiry. */
export const userTerms = collection<UserTerm>()('user_terms', {
  indexes: {
    by_status: { hash: ({ status }) => status, sort: ({ term }) => term, shards: TERM_SHARDS },
  },
});

/** By name: what was made once for all accounts that were there before it was kept with each of them. */
export const userFills = collection<Record<never, never>>()('user_fills');

/** `reserved`: an address that its account had before, and may get back. Nobody logs in with it, and nobody else gets it. */
export interface IdentifierRecord {
  user_id: string;
  reserved?: true;
}

/** `email:<canonical>`, `username:<canonical>` and `external:<id>` → whose it is; what makes each unique. */
export const identifiers = collection<IdentifierRecord>()('identifiers');

/** One record, `all`: the administrators who can log in (administrators.ts). */
export const administrators = collection<{ user_ids: string[] }>()('administrators');

/** By user id: the password as a PHC string, apart from the account so that reading one does not show the other. */
export const credentials = collection<{ password_hash: string; changed_at: number }>()('credentials');

/** What is kept of a token that was mailed: to which address, and in which generation of the account it was made. */
export interface OneTimeToken {
  hash: string;
  email: string;
  generation: number;
  /** Tokens that were mailed before it and are good beside it, each until its time (unix ms). */
  earlier?: { hash: string; expires_at: number; email?: string }[];
}

/** By `<purpose>:<user id>`: the hash of what was mailed last, and of what is still good beside it. */
export const oneTimeTokens = collection<OneTimeToken>()('one_time_tokens');

/** The code that was sent to a number, to prove it. */
export interface PhoneProof {
  phone_number: string;
  /** Keyed: a code of six digits is found from a plain hash. */
  code_hash: string;
}

/** By user id: the one valid code. */
export const phoneProofs = collection<PhoneProof>()('phone_proofs');

/** By a keyed hash of what and whose: how often something was asked for a mailbox. */
export const requestCounts = collection<Counter>()('request_counts', { counts: true });

/** By message id: requests that were handled, so that a second delivery changes nothing. */
export const handledRequests = collection<Record<never, never>>()('handled_requests');

export interface LoginRecord {
  user_id: string;
  at: number;
  ip_address: string;
  user_agent: string;
  login_successful: boolean;
  failure_reason?: string;
  location?: Record<string, string>;
  mfa_used: boolean;
  risk_score?: number;
}

/** Who logged in when, kept for 90 days. */
export const loginHistory = collection<LoginRecord>()('login_history', {
  indexes: { by_user: { hash: (login) => login.user_id, sort: (_, id) => id } },
});
