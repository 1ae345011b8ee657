import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { update } from '../../shared/ports/store.ts';
import { getSession } from '../sessions/get-session.ts';
import { recentLogin } from '../sessions/recent-login.ts';
import { recommendedActions, securityAlert } from './events.ts';
import { Code, clientOf } from './model.ts';
import { factors } from './records.ts';
import { newRecoveryCodes as makeCodes } from './recovery-codes.ts';
import { CODE_PORTS, CODE_READS, CODE_WRITES, takeCode, unlessItFails } from './take-code.ts';

/** Makes new recovery codes, shown once; the former ones are void, and the owner is told. Asks as removing the app does. */
export const newRecoveryCodes = operation({
  name: 'auth.new-recovery-codes',
  summary: 'Makes new recovery codes',
  http: { method: 'POST', path: '/api/v1/auth/mfa/recovery-codes' },
  access: 'user',
  bounds: { address: 60 },
  input: z.strictObject({ code: Code }),
  output: z.object({ recovery_codes: z.array(z.string()) }),
  errors: ['not_found', 'invalid_mfa_code', 'conflict'],
  emits: [securityAlert],
  reads: CODE_READS,
  writes: CODE_WRITES,
  needs: [...CODE_PORTS, 'ids'],
  calls: { getSession },
  run: async ({ ids, getSession, ...given }, { code }, context) => {
    const { store, clock } = given;
    const { user_id, session_id } = await recentLogin(clock, getSession, context);
    const factor = await store.get(factors, user_id);
    if (factor?.value.confirmed_at === undefined)
      throw new AppError('not_found', { detail: 'You have no second factor' });
    const { ip_address, user_agent } = clientOf(context);
    const taken = await takeCode(given, factor, code, { user_id, known: session_id, ip_address, user_agent });
    if (!taken) throw new AppError('invalid_mfa_code');
    const { codes, hashes } = makeCodes(ids);
    const told = securityAlert.with(
      {
        user_id,
        alert_type: 'recovery_codes_replaced',
        severity: 'medium',
        description: 'New recovery codes were made for your account; the former ones are void',
        details: {},
        ip_address,
        user_agent,
        recommended_actions: recommendedActions('medium'),
      },
      { user_id },
    );
    const write = update(factors, taken.factor, { ...taken.factor.value, recovery: hashes });
    await unlessItFails(taken, store.transact([write], [told]));
    return { recovery_codes: codes };
  },
});
