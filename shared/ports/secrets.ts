/** Keys derived from the one master secret, a separate one for each purpose (HKDF, RFC 5869). */
export interface Secrets {
  /** 32 bytes, always the same for a purpose. */
  key(
    purpose:
      | 'cursor'
      | 'refresh-token'
      | 'event-seal'
      | 'service-token'
      | 'web-push'
      | 'counter'
      | 'device-token'
      | 'client-marks',
  ): Uint8Array;
}

/** Hides a value that has to travel through events and queues. AES-256-GCM; the purpose is bound to the text. */
export interface Sealer {
  seal(plain: string, purpose: string): string;
  /** Undefined when the text was not sealed here for this purpose. */
  open(sealed: string, purpose: string): string | undefined;
}
