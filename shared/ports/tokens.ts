import type { Trace } from './tracer.ts';

/** Why a token is refused: the fixed list of the contract, section 3. */
export const TOKEN_ERRORS = [
  'malformed',
  'bad_signature',
  'expired',
  'not_yet_valid',
  'wrong_issuer',
  'wrong_audience',
  'revoked',
  'session_ended',
  'user_inactive',
  'unknown_key',
] as const;
export type TokenError = (typeof TOKEN_ERRORS)[number];

/** The claims of an access token (RFC 9068). `gen` is the user's token generation at issue, `sid` the session. */
export interface AccessClaims {
  iss: string;
  aud: string;
  sub: string;
  client_id: string;
  jti: string;
  sid: string;
  gen: number;
  /** Generations of the user's permissions, and of roles and policies as a whole, at issue; 0 when left out. */
  pgen?: number;
  rgen?: number;
  /** A mark of the client that it was issued to (client-marks.ts). */
  cnx?: string;
  /** The name of a service, whose token this is. `sub`, `client_id` and `sid` are its id then (RFC 9068, 2.2). */
  client_name?: string;
  /** Unix seconds of the login, how it was proven (RFC 8176) and what that is worth: `aal1`, or `aal2` with two factors. */
  auth_time?: number;
  amr?: string[];
  acr?: string;
  iat: number;
  exp: number;
  permissions: string[];
  roles: string[];
}

export type Verdict =
  | { valid: true; claims: AccessClaims; warnings?: readonly ('permissions_changed' | 'revocations_stale')[] }
  | { valid: false; error: TokenError };

/**
 * Says whether an access token holds now. Costs microseconds for a token seen before.
 *
 * Never calls anything outside for a token; throws AppError `unavailable` when its revocations are staler than the bound.
 */
export interface Verifier {
  /** @param trace of who asks, for a verifier that asks its platform when it can't know (`SIDECAR_WHEN_STALE=ask`) */
  verify(token: string, trace?: Trace): Promise<Verdict>;
}

/** Signs access tokens with the current key. Fills iss, aud, iat, exp, jti, client_id. */
export interface TokenSigner {
  sign(subject: {
    user_id: string;
    session_id: string;
    generation: number;
    permissions: string[];
    roles: string[];
    /** As of when the permissions are, by the generations of the claims `pgen` and `rgen`. */
    permissions_generation?: number;
    roles_generation?: number;
    /** The claim `cnx`. */
    client_mark?: string;
    /** Of a service's own token: its name. Its id stands for user and session. */
    client_name?: string;
    /** Unix seconds after which it must not live, before its usual end. */
    expires_by?: number;
    /** The claims `auth_time` and `amr`; `acr` follows. */
    auth_time?: number | undefined;
    amr?: readonly string[] | undefined;
  }): Promise<{ access_token: string; jti: string /** Unix seconds. */; expires_at: number }>;
}

export interface VerificationKey {
  kid: string;
  alg: 'RS256' | 'ES256' | 'EdDSA';
  key: import('node:crypto').KeyObject;
}

/** The public half of the signing keys: those that are published verify. */
export interface VerificationKeys {
  /** The key of this id, among those published now; at once where that needs no waiting. */
  verification(kid: string): Promise<VerificationKey | undefined> | VerificationKey | undefined;
  /** RFC 7517 JWK Set with the public keys. */
  jwks(): Promise<{ keys: Record<string, unknown>[] }>;
}

/** The private half: one key signs. Publish before sign; retire after the longest token. */
export interface Signer {
  /** Signs the bytes with the current key. */
  sign(
    input: (header: { kid: string; alg: string }) => Uint8Array,
  ): Promise<{ kid: string; alg: string; signature: Uint8Array }>;
}

/** Both halves, where one thing is both. */
export interface Keys extends VerificationKeys, Signer {}

/** True for the token of a service itself: its subject is its client (RFC 9068, 2.2), which of a user's it never is. */
export const isOfService = ({ sub, client_id }: Pick<AccessClaims, 'sub' | 'client_id'>): boolean => sub === client_id;

/** Credentials of services: `p21s_<id>_<secret>`, of which only a hash is stored. */
export interface ServiceTokens {
  verify(token: string): Promise<{ name: string; permissions: string[] } | undefined>;
}
