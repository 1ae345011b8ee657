import type { AccessClaims } from './tokens.ts';

/** What of a client can change between the beginning of a session and a later use of its token. */
export const CLIENT_CHANGES = ['ip_changed', 'device_changed'] as const;
export type ClientChange = (typeof CLIENT_CHANGES)[number];

/** Where a client is, and what it says it is; what is left out or empty is not known, and never a change. */
export interface MarkedClient {
  ip_address?: string;
  user_agent?: string;
  device_id?: string;
}

/** Marks tokens with where they were issued to, so that a verifier sees a change without asking anybody. */
export interface ClientMarks {
  /** The claim `cnx` of a token of this session. Keyed: who reads the token learns nothing of the client. */
  of(session_id: string, client: MarkedClient): string;
  /** How a client differs from the one that a token was issued to. Nothing for a token without a mark, or under another secret. */
  changes(claims: AccessClaims, client: MarkedClient): readonly ClientChange[];
  /** Of changes those that this process has not been asked about before; what is counted once need not be told again. */
  news(session_id: string, changes: readonly ClientChange[]): readonly ClientChange[];
}
