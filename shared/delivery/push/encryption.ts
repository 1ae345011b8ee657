/** The payload of a Web Push message, readable by one browser only: RFC 8291, on aes128gcm of RFC 8188. */
import { createCipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';

/** Bytes of one record (RFC 8188 §2): push services take 4096 at most. */
const RECORD = 4096;
/** Bytes of text that fit one record beside header, padding delimiter and tag. */
export const MAX_PLAIN = RECORD - 86 - 17;

const hkdf = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array | string, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, salt, info, length));

/** Salt and key of a message: fresh ones, except in a test that knows the outcome. */
interface Ephemeral {
  salt: Uint8Array;
  private_key: Uint8Array;
}

const fresh = (): Ephemeral => {
  const ecdh = createECDH('prime256v1');
  ecdh.generateKeys();
  return { salt: randomBytes(16), private_key: ecdh.getPrivateKey() };
};

/**
 * Encrypts a text for a subscription's `p256dh` and `auth` (base64url).
 *
 * @throws Error for a key that is no point of P-256, or a text that is too long
 */
export const encryptFor = (
  { p256dh, auth }: { p256dh: string; auth: string },
  plain: Uint8Array,
  { salt, private_key }: Ephemeral = fresh(),
): Buffer => {
  if (plain.length > MAX_PLAIN) throw new Error(`a push message has at most ${MAX_PLAIN} bytes`);
  const browser = Buffer.from(p256dh, 'base64url');
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(private_key);
  const ours = ecdh.getPublicKey();
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), browser, ours]);
  const secret = hkdf(ecdh.computeSecret(browser), Buffer.from(auth, 'base64url'), info, 32);
  const cipher = createCipheriv(
    'aes-128-gcm',
    hkdf(secret, salt, 'Content-Encoding: aes128gcm\0', 16),
    hkdf(secret, salt, 'Content-Encoding: nonce\0', 12),
  );
  const head = Buffer.alloc(5);
  head.writeUInt32BE(RECORD);
  head.writeUInt8(ours.length, 4);
  // 2 ends the last record (RFC 8188 §2)
  const body = [cipher.update(plain), cipher.update(Buffer.from([2])), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat([salt, head, ours, ...body]);
};
