import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { insert, remove, update } from '../../shared/ports/store.ts';
import { getSession } from '../sessions/get-session.ts';
import { recentLogin } from '../sessions/recent-login.ts';
import { getAccount } from '../users/get-account.ts';
import { readCbor } from './cbor.ts';
import { securityAlert } from './events.ts';
import { clientOf } from './model.ts';
import { Base64Url, CEREMONY_PORTS, takeCeremony, toBytes } from './passkey-ceremony.ts';
import { alertOf, CredentialId, isLive, keyOf, MOST_PASSKEYS, ownerId, PasskeyView, viewOf } from './passkeys.ts';
import { type Passkey, passkeyOwners, passkeys, spentCodes } from './records.ts';
import { unlessItFails } from './take-code.ts';

/** The data that the authenticator made, out of what attests it: nobody is asked to attest it, so that is not looked at. */
const dataIn = (attestationObject: string): Uint8Array => {
  const bytes = toBytes(attestationObject);
  try {
    const { value, length } = readCbor(bytes);
    const data = value instanceof Map && length === bytes.length ? value.get('authData') : undefined;
    if (data instanceof Uint8Array) return data;
  } catch {
    // said below
  }
  throw new AppError('invalid_request', {
    errors: [{ path: 'response.attestationObject', message: 'It is no answer of an authenticator' }],
  });
};

/**
 * Ends the set-up of a passkey with what `navigator.credentials.create()` gave (`toJSON()` of it): from then on it logs in,
 * without a password and without a second factor. The owner is told by mail.
 */
export const confirmPasskey = operation({
  name: 'auth.confirm-passkey',
  summary: 'Ends the set-up of a passkey',
  http: { method: 'POST', path: '/api/v1/auth/passkeys/register/verify' },
  access: 'user',
  bounds: { address: 60 },
  // not strict: what a browser writes into it is the standard's, and grows
  input: z.object({
    id: CredentialId,
    type: z.literal('public-key'),
    response: z.object({
      clientDataJSON: Base64Url(8_192),
      attestationObject: Base64Url(32_768),
      transports: z.array(z.string().max(32)).max(10).optional(),
    }),
    name: z.string().trim().min(1).max(64).optional().meta({ description: 'What its owner calls it' }),
  }),
  output: PasskeyView,
  errors: ['invalid_token', 'already_exists', 'conflict'],
  emits: [securityAlert],
  reads: [passkeys, passkeyOwners],
  writes: [passkeys, passkeyOwners, spentCodes],
  needs: CEREMONY_PORTS,
  calls: { getSession, getAccount },
  run: async ({ getSession, getAccount, ...given }, { id, name, response }, context) => {
    const { store, clock } = given;
    const { user_id, session_id } = await recentLogin(clock, getSession, context);
    const { clientDataJSON, attestationObject, transports } = response;
    const authenticatorData = dataIn(attestationObject);
    // before the challenge is taken: what can't be read has used nothing up
    const [held, owner, { recovered_at }] = await Promise.all([
      store.get(passkeys, user_id),
      store.get(passkeyOwners, ownerId(id)),
      getAccount({ user_id }),
    ]);
    const all = held?.value.passkeys ?? [];
    const others = all.filter((each) => isLive(each, recovered_at));
    const gone = all.filter((each) => !others.includes(each)).map((each) => ownerId(each.id));
    const former = await store.getMany(passkeyOwners, gone);
    const taken = await takeCeremony(given, 'webauthn.create', session_id, { clientDataJSON, authenticatorData });
    const { credential, counter, eligible, backed_up } = taken.data;
    if (!credential || !Buffer.from(credential.id).equals(toBytes(id))) {
      throw new AppError('invalid_request', { errors: [{ path: 'id', message: 'It is not the one that was made' }] });
    }
    if (owner) throw new AppError('already_exists', { detail: 'This passkey is set up already' });
    if (others.length >= MOST_PASSKEYS) {
      throw new AppError('already_exists', { detail: `There are ${MOST_PASSKEYS} passkeys already: remove one first` });
    }
    const passkey: Passkey = {
      ...{ id, ...keyOf(credential.key), counter, eligible, backed_up },
      ...(name && { name }),
      ...(transports && { transports }),
      created_at: Math.floor(clock.now() / 1_000),
    };
    const next = { passkeys: [...others, passkey] };
    const add = store.transact(
      [
        insert(passkeyOwners, ownerId(id), { user_id }),
        held ? update(passkeys, held, next) : insert(passkeys, user_id, next),
        ...[...former.values()].map((each) => remove(passkeyOwners, each)),
      ],
      [alertOf('passkey_added', passkey, { user_id, ...clientOf(context) })],
    );
    await unlessItFails(taken, add);
    return viewOf(passkey);
  },
});
