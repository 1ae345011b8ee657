import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove } from '../../shared/ports/store.ts';
import { requireAllOf } from '../permissions/all-of.ts';
import { findLacking } from '../permissions/find-lacking.ts';
import { getEffective } from '../permissions/get-effective.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { getContact } from '../users/get-contact.ts';
import { noteFactors } from '../users/note-factors.ts';
import { securityAlert } from './events.ts';
import { FACTOR_EVENTS, factorEvent, followFactor } from './factor-events.ts';
import { alertOf, removalOf } from './passkeys.ts';
import { factors, passkeyOwners, passkeys } from './records.ts';

/**
 * Removes the second factor and the passkeys of a user who lost them, or of whom somebody else set them up. Every
 * session of the user ends, and the user is told. Whoever does it may all that the user may: with the password alone he
 * could come in his place.
 */
export const resetFactors = operation({
  name: 'auth.reset-factors',
  summary: 'Removes the second factor and passkeys of a user who lost them',
  http: { method: 'DELETE', path: '/api/v1/users/{user_id}/mfa', status: 204 },
  access: 'users:admin',
  input: z.strictObject({ user_id: z.string().min(1).max(128) }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  emits: [...FACTOR_EVENTS, securityAlert],
  reads: [factors, passkeys, passkeyOwners],
  writes: [factors, passkeys, passkeyOwners],
  needs: ['clock', 'log'],
  calls: { findLacking, getEffective, getContact, noteFactors, endUserSessions },
  run: async ({ findLacking, getEffective, getContact, ...given }, { user_id }, { caller }) => {
    const { store, clock } = given;
    const { permissions } = await getEffective({ user_id });
    // a denial is nothing that somebody holds
    const held = permissions.filter((each) => !each.startsWith('!'));
    await requireAllOf(caller, held, findLacking);
    const change = { user_id, enabled: false, at: clock.now() };
    await retryConflict(async () => {
      const [found, keys] = await Promise.all([store.get(factors, user_id), removalOf(store, user_id)]);
      const factor = found?.value.confirmed_at === undefined ? undefined : found;
      if (!factor && keys.length === 0) {
        throw new AppError('not_found', { detail: 'There is no second factor and no passkey' });
      }
      const contact = await getContact({ user_id });
      // where it came from concerns the administrator, and stands in the audit log
      const nowhere = { ip_address: '', user_agent: '' };
      const event = factor
        ? factorEvent(change, contact, nowhere)
        : alertOf('passkey_removed', {}, { user_id, ...nowhere });
      await store.transact([...(factor ? [remove(factors, factor)] : []), ...keys], [event]);
    });
    await followFactor(given, change);
    return {};
  },
});
