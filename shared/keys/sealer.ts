/** Seals values that travel through events and queues: AES-256-GCM, the purpose bound as additional data. */
import { adapter } from '../kit/adapter.ts';
import type { Sealer, Secrets } from '../ports/secrets.ts';
import { openWith, sealWith } from './aes-gcm.ts';

/** Names the scheme, so that another can follow. */
const VERSION = 'p1.';

/** A sealer over the derived key. A sealed text is `p1.` and base64url of nonce, ciphertext and tag. */
export const createSealer = (secrets: Secrets): Sealer => {
  const keys = secrets.keys('event-seal');
  return {
    seal: (plain, purpose) => VERSION + sealWith(keys[0]!, plain, purpose),
    open: (sealed, purpose) => {
      if (!sealed.startsWith(VERSION)) return undefined;
      for (const key of keys) {
        // sealed with an older one, or not here
        const plain = openWith(key, sealed.slice(VERSION.length), purpose);
        if (plain !== undefined) return plain;
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
