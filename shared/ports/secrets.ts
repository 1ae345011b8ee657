export type SecretPurpose =
  | 'cursor'
  | 'refresh-token'
  | 'event-seal'
  | 'service-token'
  | 'web-push'
  | 'counter'
  | 'device-token'
  | 'client-marks'
  | 'passkey'
  | 'vault';

/** Keys derived from the master secret, a separate one for each purpose (HKDF, RFC 5869). */
export interface Secrets {
  /** 32 bytes, always the same for a purpose: what is made now is made with it. */
  key(purpose: SecretPurpose): Uint8Array;
  /** The same, and behind it the keys of older master secrets: what any of them made is still good. */
  keys(purpose: SecretPurpose): readonly Uint8Array[];
}

/** Hides a value that has to travel through events and queues. AES-256-GCM; the purpose is bound to the text. */
export interface Sealer {
  seal(plain: string, purpose: string): string;
  /** Undefined when the text was not sealed here for this purpose. */
  open(sealed: string, purpose: string): string | undefined;
}
