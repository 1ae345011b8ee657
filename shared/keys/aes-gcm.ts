/** AES-256-GCM with what a text is for as additional data: base64url of nonce, ciphertext and tag. Pure, but for the nonce. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { decode, encode } from './base64url.ts';

const NONCE = 12;
const TAG = 16;

/** Seals a text. @example openWith(key, sealWith(key, 'text', 'totp u1'), 'totp u1') // 'text' */
export const sealWith = (key: Uint8Array, plain: string, of: string): string => {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG }).setAAD(Buffer.from(of));
  return encode(Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]));
};

/** Opens it. Undefined for what was not sealed with this key for this. */
export const openWith = (key: Uint8Array, sealed: string, of: string): string | undefined => {
  const bytes = decode(sealed);
  if (!bytes || bytes.length < NONCE + TAG) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG })
    .setAAD(Buffer.from(of))
    .setAuthTag(bytes.subarray(-TAG));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
};
