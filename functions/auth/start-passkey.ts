import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { getSession } from '../sessions/get-session.ts';
import { recentLogin } from '../sessions/recent-login.ts';
import { getAccount } from '../users/get-account.ts';
import { getContact } from '../users/get-contact.ts';
import { ALGORITHMS } from './authenticator-data.ts';
import { CEREMONY_MS, handleOf, newChallenge } from './passkey-ceremony.ts';
import { isLive } from './passkeys.ts';
import { passkeys } from './records.ts';

const Known = z.object({ type: z.literal('public-key'), id: z.string(), transports: z.array(z.string()).optional() });

/**
 * Begins to set up a passkey: options for `navigator.credentials.create()` (WebAuthn Level 3, section 5.4), which
 * `PublicKeyCredential.parseCreationOptionsFromJSON()` reads. Asks for a login of the last 15 minutes.
 */
export const startPasskey = operation({
  name: 'auth.start-passkey',
  summary: 'Begins to set up a passkey',
  http: { method: 'POST', path: '/api/v1/auth/passkeys/register/options' },
  access: 'user',
  bounds: { address: 60 },
  input: z.strictObject({}),
  output: z.object({
    rp: z.object({ id: z.string(), name: z.string() }),
    user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
    challenge: z.string().meta({ description: 'Good once, for five minutes and this session' }),
    pubKeyCredParams: z.array(z.object({ type: z.literal('public-key'), alg: z.int() })),
    timeout: z.int().meta({ description: 'Milliseconds' }),
    excludeCredentials: z
      .array(Known)
      .meta({ description: 'Those that are there: an authenticator makes no second one' }),
    authenticatorSelection: z.object({
      residentKey: z.literal('required'),
      requireResidentKey: z.literal(true),
      userVerification: z.literal('required'),
    }),
    attestation: z.literal('none'),
    extensions: z.object({ credProps: z.literal(true) }),
  }),
  errors: ['not_found'],
  reads: [passkeys],
  needs: ['clock', 'ids', 'secrets', 'settings'],
  calls: { getSession, getAccount, getContact },
  run: async ({ store, getSession, getAccount, getContact, ...given }, _, context) => {
    const { clock, settings } = given;
    const { user_id, session_id } = await recentLogin(clock, getSession, context);
    const [{ email, first_name = email }, { recovered_at }, held] = await Promise.all([
      getContact({ user_id }),
      getAccount({ user_id }),
      store.get(passkeys, user_id),
    ]);
    const live = (held?.value.passkeys ?? []).filter((each) => isLive(each, recovered_at));
    const { rp_id } = settings.passkeys;
    return {
      rp: { id: rp_id, name: rp_id },
      user: { id: handleOf(user_id), name: email, displayName: first_name },
      challenge: newChallenge(given, 'webauthn.create', session_id, clock.now()),
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key' as const, alg })),
      timeout: CEREMONY_MS,
      excludeCredentials: live.map(({ id, transports }) => ({
        ...{ type: 'public-key' as const, id },
        ...(transports && { transports }),
      })),
      authenticatorSelection: {
        residentKey: 'required' as const,
        requireResidentKey: true as const,
        userVerification: 'required' as const,
      },
      attestation: 'none' as const,
      extensions: { credProps: true as const },
    };
  },
});
