import * as z from 'zod';
import { AppError, toAppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { update } from '../../shared/ports/store.ts';
import { createSession } from '../sessions/create-session.ts';
import { getAccount } from '../users/get-account.ts';
import { getContact } from '../users/get-contact.ts';
import { isSignedBy } from './authenticator-data.ts';
import { mintDevice, readDevice } from './device-token.ts';
import { securityAlert, userLogin } from './events.ts';
import { clientOf, DeviceInfo, Tokens } from './model.ts';
import { Base64Url, CEREMONY_PORTS, handleOf, takeCeremony, toBytes } from './passkey-ceremony.ts';
import { alertOf, CredentialId, isLive, openKey, ownerId } from './passkeys.ts';
import { type Passkey, passkeyOwners, passkeys, spentCodes } from './records.ts';

const refused = (): AppError =>
  new AppError('invalid_credentials', { detail: 'The passkey is unknown, or not valid here' });

/** A count that does not grow is of a copy; authenticators that don't count say 0 always (WebAuthn, section 6.1.1). */
const isCopied = (kept: number, said: number): boolean => (kept > 0 || said > 0) && said <= kept;

/**
 * Logs in with what `navigator.credentials.get()` gave (`toJSON()` of it). The authenticator asked its user who it is, so
 * that this is two factors at once, and no code is asked for. Tries at passwords do not lock it.
 */
export const loginWithPasskey = operation({
  name: 'auth.login-with-passkey',
  summary: 'Logs in with a passkey',
  http: { method: 'POST', path: '/api/v1/auth/passkeys/login/verify' },
  access: 'public',
  bounds: { address: 120, process: 6_000 },
  // not strict: what a browser writes into it is the standard's, and grows
  input: z.object({
    id: CredentialId,
    type: z.literal('public-key'),
    response: z.object({
      clientDataJSON: Base64Url(8_192),
      authenticatorData: Base64Url(4_096),
      signature: Base64Url(1_024),
      userHandle: Base64Url(128).nullish(),
    }),
    device_info: DeviceInfo,
  }),
  output: Tokens,
  errors: ['invalid_token', 'invalid_credentials', 'conflict'],
  emits: [userLogin, securityAlert],
  reads: [passkeys, passkeyOwners],
  writes: [passkeys, spentCodes],
  needs: [...CEREMONY_PORTS, 'ids', 'log', 'metrics'],
  calls: { getAccount, getContact, createSession },
  run: async (
    { getAccount, getContact, createSession, ids, log, metrics, ...given },
    { id, response, ...input },
    context,
  ) => {
    const { store, clock, secrets } = given;
    const { ip_address, user_agent, place } = clientOf(context);
    const counted = (result: 'success' | 'failure') =>
      metrics.count('perfect21_auth_events_total', { event_type: 'login', result });
    const authenticatorData = toBytes(response.authenticatorData);
    const taken = await takeCeremony(given, 'webauthn.get', '', { ...response, authenticatorData });
    const { data, signed, giveBack } = taken;

    const proven = async () => {
      const owner = await store.get(passkeyOwners, ownerId(id));
      if (!owner) throw refused();
      const { user_id } = owner.value;
      const [held, account] = await Promise.all([store.get(passkeys, user_id), getAccount({ user_id })]);
      const passkey = held?.value.passkeys.find((each) => each.id === id);
      const handle = response.userHandle ?? handleOf(user_id);
      const isTheirs = passkey && isSignedBy(openKey(passkey), signed, toBytes(response.signature));
      if (!isTheirs || handle !== handleOf(user_id) || passkey.eligible !== data.eligible) throw refused();
      // deleted, and its passkeys not yet
      if (!account.status || account.status === 'deleted') throw refused();
      const { email } = await getContact({ user_id });
      const fail = async (failure_reason: string, copied?: Passkey): Promise<never> => {
        const failed = { user_id, email, login_successful: false, ip_address, user_agent, mfa_used: false };
        const told = userLogin.with({ ...failed, failure_reason }, { user_id });
        const alert = copied && alertOf('passkey_copied', copied, { user_id, ip_address, user_agent });
        await store.transact([], alert ? [told, alert] : [told]);
        throw refused();
      };
      if (isCopied(passkey.counter, data.counter)) await fail('passkey_copied', passkey);
      if (account.status !== 'active') await fail(`account_${account.status}`);
      if (!isLive(passkey, account.recovered_at)) await fail('passkey_void');
      return { user_id, email, generation: account.generation };
    };

    /** When the session is there: what could not be done has changed nothing. Of two copies at once the second is told. */
    const noteUse = (user_id: string): Promise<void> =>
      retryConflict(async () => {
        const held = await store.get(passkeys, user_id);
        const passkey = held?.value.passkeys.find((each) => each.id === id);
        if (!held || !passkey) return;
        const used = { backed_up: data.backed_up, last_used_at: Math.floor(clock.now() / 1_000) };
        const next = { ...passkey, ...used, counter: Math.max(passkey.counter, data.counter) };
        const all = held.value.passkeys.map((each) => (each === passkey ? next : each));
        const copied = isCopied(passkey.counter, data.counter);
        const alerts = copied ? [alertOf('passkey_copied', passkey, { user_id, ip_address, user_agent })] : [];
        await store.transact([update(passkeys, held, { passkeys: all })], alerts);
      });

    try {
      const { user_id, ...account } = await proven();
      const { device_token, ...device_info } = input.device_info ?? {};
      const known = readDevice(secrets, device_token ?? context.client.device, user_id, clock.now());
      const client = { ip_address, user_agent, place, device_info };
      const amr = ['pop' as const, 'mfa' as const];
      const tokens = await createSession({ user_id, ...account, amr, client, known: known !== undefined });
      if (context.gives) context.gives.device = mintDevice(secrets, ids, user_id, clock.now(), known);
      counted('success');
      await promptly(log, 'note the use of a passkey', noteUse(user_id));
      return tokens;
    } catch (thrown) {
      const { code } = toAppError(thrown);
      if (code === 'invalid_credentials') counted('failure');
      // what was refused has used its challenge up; what could not be done has not
      else await giveBack().catch(() => {});
      throw thrown;
    }
  },
});
