import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove, update } from '../../shared/ports/store.ts';
import { getSession } from '../sessions/get-session.ts';
import { recentLogin } from '../sessions/recent-login.ts';
import { securityAlert } from './events.ts';
import { clientOf } from './model.ts';
import { alertOf, CredentialId, ownerId } from './passkeys.ts';
import { passkeyOwners, passkeys } from './records.ts';

/** Removes a passkey of the caller, who is told by mail. Asks for a login of the last 15 minutes (ASVS 7.5.1). */
export const removePasskey = operation({
  name: 'auth.remove-passkey',
  summary: 'Removes a passkey',
  http: { method: 'DELETE', path: '/api/v1/auth/passkeys/{id}', status: 204 },
  access: 'user',
  bounds: { address: 60 },
  input: z.strictObject({ id: CredentialId }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  emits: [securityAlert],
  reads: [passkeys, passkeyOwners],
  writes: [passkeys, passkeyOwners],
  needs: ['clock'],
  calls: { getSession },
  run: async ({ store, clock, getSession }, { id }, context) => {
    const { user_id } = await recentLogin(clock, getSession, context);
    await retryConflict(async () => {
      const [held, owner] = await Promise.all([store.get(passkeys, user_id), store.get(passkeyOwners, ownerId(id))]);
      const passkey = held?.value.passkeys.find((each) => each.id === id);
      if (!held || !passkey || !owner) throw new AppError('not_found', { detail: 'You have no such passkey' });
      const left = held.value.passkeys.filter((each) => each !== passkey);
      await store.transact(
        [
          remove(passkeyOwners, owner),
          left.length ? update(passkeys, held, { passkeys: left }) : remove(passkeys, held),
        ],
        [alertOf('passkey_removed', passkey, { user_id, ...clientOf(context) })],
      );
    });
    return {};
  },
});
