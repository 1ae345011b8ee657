import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { update } from '../../shared/ports/store.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { getSession } from '../sessions/get-session.ts';
import { recentLogin } from '../sessions/recent-login.ts';
import { getContact } from '../users/get-contact.ts';
import { noteFactors } from '../users/note-factors.ts';
import { securityAlert } from './events.ts';
import { FACTOR_EVENTS, factorEvent, followFactor } from './factor-events.ts';
import { Code, clientOf } from './model.ts';
import { factors } from './records.ts';
import { newRecoveryCodes } from './recovery-codes.ts';
import { CODE_PORTS, CODE_READS, CODE_WRITES, takeCode, unlessItFails } from './take-code.ts';

/**
 * Ends the set-up of an authenticator app with a code that it shows: from then on every login asks for one. The recovery
 * codes are shown once, here. The user's other sessions end.
 */
export const confirmTotp = operation({
  name: 'auth.confirm-totp',
  summary: 'Ends the set-up of an authenticator app',
  http: { method: 'POST', path: '/api/v1/auth/mfa/totp/confirm' },
  access: 'user',
  bounds: { address: 60 },
  input: z.strictObject({ code: Code }),
  output: z.object({
    recovery_codes: z.array(z.string()).meta({ description: 'Each is good once, in place of a code of the app' }),
  }),
  errors: ['already_exists', 'not_found', 'invalid_mfa_code', 'conflict'],
  emits: [...FACTOR_EVENTS, securityAlert],
  reads: CODE_READS,
  writes: CODE_WRITES,
  needs: [...CODE_PORTS, 'ids', 'log'],
  calls: { getSession, getContact, noteFactors, endUserSessions },
  run: async ({ ids, getSession, getContact, ...given }, { code }, context) => {
    const { store, clock } = given;
    const { user_id, session_id } = await recentLogin(clock, getSession, context);
    const factor = await store.get(factors, user_id);
    if (!factor) throw new AppError('not_found', { detail: 'No app is being set up: begin with POST /auth/mfa/totp' });
    if (factor.value.confirmed_at !== undefined) throw new AppError('already_exists');
    const contact = await getContact({ user_id });
    const taken = await takeCode(given, factor, code, { user_id, known: session_id, ...clientOf(context) });
    if (!taken) throw new AppError('invalid_mfa_code');
    const { codes, hashes } = newRecoveryCodes(ids);
    const change = { user_id, session_id, enabled: true, at: clock.now() };
    const value = { ...factor.value, confirmed_at: Math.floor(change.at / 1000), recovery: hashes };
    const write = update(factors, factor, value, { expires_at: undefined });
    await unlessItFails(taken, store.transact([write], [factorEvent(change, contact, clientOf(context))]));
    await followFactor(given, change);
    return { recovery_codes: codes };
  },
});
