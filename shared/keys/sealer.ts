/** Seals values that travel through events and queues: AES-256-GCM, the purpose bound as additional data. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { adapter } from '../kit/adapter.ts';
import type { Sealer, Secrets } from '../ports/secrets.ts';
import { encode, isCanonical } from './base64url.ts';

/** Names the scheme, so that another can follow. */
const VERSION = 'p1.';
const NONCE = 12;
const TAG = 16;

/** A sealer over the derived key. A sealed text is `p1.` and base64url of nonce, ciphertext and tag. */
export const createSealer = (secrets: Secrets): Sealer => {
  const [newest, ...older] = secrets.keys('event-seal') as [Uint8Array, ...Uint8Array[]];
  return {
    seal: (plain, purpose) => {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', newest, nonce, { authTagLength: TAG }).setAAD(Buffer.from(purpose));
      return (
        VERSION + encode(Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]))
      );
    },
    open: (sealed, purpose) => {
      const text = sealed.slice(VERSION.length);
      if (!sealed.startsWith(VERSION) || !isCanonical(text)) return undefined;
      const bytes = Buffer.from(text, 'base64url');
      if (bytes.length < NONCE + TAG) return undefined;
      for (const key of [newest, ...older]) {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG })
          .setAAD(Buffer.from(purpose))
          .setAuthTag(bytes.subarray(-TAG));
        try {
          return Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]).toString('utf8');
        } catch {
          // sealed with an older one, or not here
        }
      }
      return undefined;
    },
  };
};

export const sealer = adapter({
  port: 'sealer',
  needs: ['secrets'],
  open: ({ secrets }) => ({ port: createSealer(secrets) }),
});
