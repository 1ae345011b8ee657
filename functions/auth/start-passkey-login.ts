import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { CEREMONY_MS, newChallenge } from './passkey-ceremony.ts';

/**
 * Begins a login with a passkey: options for `navigator.credentials.get()` (WebAuthn Level 3, section 5.5), which
 * `PublicKeyCredential.parseRequestOptionsFromJSON()` reads. They name no account and no passkey: the authenticator knows
 * its own, and nobody learns here who has an account.
 */
export const startPasskeyLogin = operation({
  name: 'auth.start-passkey-login',
  summary: 'Begins a login with a passkey',
  http: { method: 'POST', path: '/api/v1/auth/passkeys/login/options' },
  access: 'public',
  bounds: { address: 120, process: 6_000 },
  input: z.strictObject({}),
  output: z.object({
    challenge: z.string().meta({ description: 'Good once, for five minutes' }),
    timeout: z.int().meta({ description: 'Milliseconds' }),
    rpId: z.string(),
    allowCredentials: z.array(z.never()),
    userVerification: z.literal('required'),
  }),
  needs: ['clock', 'ids', 'secrets', 'settings'],
  run: async (given) => ({
    challenge: newChallenge(given, 'webauthn.get', '', given.clock.now()),
    timeout: CEREMONY_MS,
    rpId: given.settings.passkeys.rp_id,
    allowCredentials: [],
    userVerification: 'required' as const,
  }),
});
