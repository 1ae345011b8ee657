import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { remove } from '../../shared/ports/store.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { getSession } from '../sessions/get-session.ts';
import { recentLogin } from '../sessions/recent-login.ts';
import { getContact } from '../users/get-contact.ts';
import { noteFactors } from '../users/note-factors.ts';
import { securityAlert } from './events.ts';
import { FACTOR_EVENTS, factorEvent, followFactor } from './factor-events.ts';
import { Code, clientOf } from './model.ts';
import { factors } from './records.ts';
import { CODE_PORTS, CODE_READS, CODE_WRITES, takeCode, unlessItFails } from './take-code.ts';

/**
 * Removes the authenticator app and the recovery codes: logins ask for the password alone again. Asks for a code, and for
 * a login of the last 15 minutes (ASVS 7.5.1). The user's other sessions end.
 */
export const removeTotp = operation({
  name: 'auth.remove-totp',
  summary: 'Removes the authenticator app',
  http: { method: 'DELETE', path: '/api/v1/auth/mfa/totp', status: 204, body: ['json'] },
  access: 'user',
  bounds: { address: 60 },
  input: z.strictObject({ code: Code }),
  output: z.object({}),
  errors: ['not_found', 'invalid_mfa_code', 'conflict'],
  emits: [...FACTOR_EVENTS, securityAlert],
  reads: CODE_READS,
  writes: CODE_WRITES,
  needs: [...CODE_PORTS, 'log'],
  calls: { getSession, getContact, noteFactors, endUserSessions },
  run: async ({ getSession, getContact, ...given }, { code }, context) => {
    const { store, clock } = given;
    const { user_id, session_id } = await recentLogin(clock, getSession, context);
    const factor = await store.get(factors, user_id);
    if (factor?.value.confirmed_at === undefined)
      throw new AppError('not_found', { detail: 'You have no second factor' });
    const contact = await getContact({ user_id });
    const taken = await takeCode(given, factor, code, { user_id, known: session_id, ...clientOf(context) });
    if (!taken) throw new AppError('invalid_mfa_code');
    const change = { user_id, session_id, enabled: false, at: clock.now() };
    const removed = store.transact([remove(factors, taken.factor)], [factorEvent(change, contact, clientOf(context))]);
    await unlessItFails(taken, removed);
    await followFactor(given, change);
    return {};
  },
});
