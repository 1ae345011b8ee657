import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { insert, update } from '../../shared/ports/store.ts';
import { getSession } from '../sessions/get-session.ts';
import { recentLogin } from '../sessions/recent-login.ts';
import { getContact } from '../users/get-contact.ts';
import { factors } from './records.ts';
import { sealSeed } from './seed.ts';
import { base32, otpauthUrl, SEED_BYTES } from './totp.ts';

/** To scan a code and type six digits. */
const SETUP_MS = 600_000;

/**
 * Begins to set up an authenticator app (RFC 6238): a secret that is shown once, here. Nobody is asked for a code before
 * `confirm` has seen one. Beginning again makes another secret. Asks for a login of the last 15 minutes.
 */
export const startTotp = operation({
  name: 'auth.start-totp',
  summary: 'Begins to set up an authenticator app',
  http: { method: 'POST', path: '/api/v1/auth/mfa/totp' },
  access: 'user',
  bounds: { address: 60 },
  input: z.strictObject({}),
  output: z.object({
    secret: z.string().meta({ description: 'Base32, to type where no QR code can be read' }),
    otpauth_url: z.string().meta({ description: 'What a QR code for the app says' }),
  }),
  errors: ['already_exists', 'conflict', 'not_found'],
  reads: [factors],
  writes: [factors],
  needs: ['clock', 'ids', 'settings', 'vault'],
  calls: { getSession, getContact },
  run: async ({ store, clock, ids, settings, vault, getSession, getContact }, _, context) => {
    const { user_id } = await recentLogin(clock, getSession, context);
    const { email } = await getContact({ user_id });
    const seed = Buffer.from(ids.random(SEED_BYTES), 'base64url');
    const sealed_seed = await sealSeed(vault, user_id, seed);
    return retryConflict(async () => {
      const factor = await store.get(factors, user_id);
      if (factor?.value.confirmed_at !== undefined) {
        throw new AppError('already_exists', { detail: 'There is an authenticator app already: remove it first' });
      }
      const value = { factor_id: ids.uuid(), sealed_seed, recovery: [] };
      const lives = { expires_at: clock.now() + SETUP_MS };
      await store.transact([factor ? update(factors, factor, value, lives) : insert(factors, user_id, value, lives)]);
      const issuer = new URL(settings.public_url).hostname;
      return { secret: base32(seed), otpauth_url: otpauthUrl(seed, { issuer, account: email }) };
    });
  },
});
