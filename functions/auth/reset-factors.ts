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
import { FACTOR_EVENTS, factorEvent, followFactor } from './factor-events.ts';
import { factors } from './records.ts';

/**
 * Removes the second factor of a user who lost the app and the recovery codes, or of whom somebody else set it up. Every
 * session of the user ends, and the user is told. Whoever does it may all that the user may: with the password alone he
 * could come in his place.
 */
export const resetFactors = operation({
  name: 'auth.reset-factors',
  summary: 'Removes the second factor of a user who lost it',
  http: { method: 'DELETE', path: '/api/v1/users/{user_id}/mfa', status: 204 },
  access: 'users:admin',
  input: z.strictObject({ user_id: z.string().min(1).max(128) }),
  output: z.object({}),
  errors: ['not_found', 'conflict'],
  emits: FACTOR_EVENTS,
  reads: [factors],
  writes: [factors],
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
      const factor = await store.get(factors, user_id);
      if (factor?.value.confirmed_at === undefined) {
        throw new AppError('not_found', { detail: 'There is no second factor' });
      }
      const contact = await getContact({ user_id });
      // where it came from concerns the administrator, and stands in the audit log
      const event = factorEvent(change, contact, { ip_address: '', user_agent: '' });
      await store.transact([remove(factors, factor)], [event]);
    });
    await followFactor(given, change);
    return {};
  },
});
