/** ECDSA signatures as KMS and X.509 write them (DER, RFC 3279 §2.2.3), turned into JOSE's r ‖ s (RFC 7518 §3.4). */

/** The integer that starts at `at`, left-padded to `size` bytes, and where it ends. */
const integer = (der: Uint8Array, at: number, size: number): { bytes: Uint8Array; end: number } => {
  const length = der[at + 1]!;
  const end = at + 2 + length;
  const value = der.subarray(at + 2, end);
  const digits = value[0] === 0 ? value.subarray(1) : value;
  if (der[at] !== 0x02 || length === 0 || end > der.length || digits.length > size)
    throw new Error('not an ECDSA signature');
  const bytes = new Uint8Array(size);
  bytes.set(digits, size - digits.length);
  return { bytes, end };
};

/**
 * Converts a P-256 signature from DER to 64 bytes.
 *
 * @throws Error when it is not a DER sequence of two integers of at most 32 bytes
 */
export const derToJose = (der: Uint8Array): Uint8Array => {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw new Error('not an ECDSA signature');
  const r = integer(der, 2, 32);
  const s = integer(der, r.end, 32);
  if (s.end !== der.length) throw new Error('not an ECDSA signature');
  return Buffer.concat([r.bytes, s.bytes]);
};
