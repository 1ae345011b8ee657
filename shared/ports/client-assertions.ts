/** Client assertions (RFC 7523, `private_key_jwt`): JWTs by which a service proves who it is, without a secret. */

/** A public key by which a service signs them. */
export interface ServiceKey {
  kid: string;
  alg: string;
  /** RFC 7517, public parts only. */
  jwk: Record<string, unknown>;
  /** Unix ms; for good when left out. */
  expires_at?: number;
}

/** An assertion whose claims hold now. */
export interface Assertion {
  client_id: string;
  /** Unique among those of the client. Remembering it until `expires_at` (unix ms) is the caller's part. */
  jti: string;
  expires_at: number;
  /** True when one of the keys signed it that are good now; a key id, where it names one, chooses among them. */
  isSignedBy(keys: readonly ServiceKey[]): boolean;
}

export interface ClientAssertions {
  /** Undefined for anything that is no assertion for this server now. Who signed it is another question. */
  read(text: string): Assertion | undefined;
  /** A public key as it is kept; undefined for one that can't be used with its algorithm. */
  toKey(jwk: Record<string, unknown>): ServiceKey | undefined;
}
