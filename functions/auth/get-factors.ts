import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { getAccount } from '../users/get-account.ts';
import { isLive, PasskeyView, viewOf } from './passkeys.ts';
import { factors, passkeys } from './records.ts';

/** The caller's second factor (whether there is one, since when, and how many recovery codes are left) and passkeys. */
export const getFactors = operation({
  name: 'auth.get-factors',
  summary: "Shows the caller's second factor and passkeys",
  http: { method: 'GET', path: '/api/v1/auth/mfa' },
  access: 'user',
  input: z.strictObject({}),
  output: z.object({
    factors: z.array(
      z.object({ method: z.literal('totp'), confirmed_at: z.int().meta({ description: 'Unix seconds' }) }),
    ),
    recovery_codes_left: z.int(),
    passkeys: z.array(PasskeyView),
  }),
  reads: [factors, passkeys],
  calls: { getAccount },
  run: async ({ store, getAccount }, _, { caller }) => {
    const id = caller.kind === 'user' ? caller.user_id : '';
    const [factor, held, { recovered_at }] = await Promise.all([
      store.get(factors, id),
      store.get(passkeys, id),
      getAccount({ user_id: id }),
    ]);
    const { confirmed_at, recovery = [] } = factor?.value ?? {};
    return {
      factors: confirmed_at === undefined ? [] : [{ method: 'totp' as const, confirmed_at }],
      recovery_codes_left: confirmed_at === undefined ? 0 : recovery.length,
      passkeys: (held?.value.passkeys ?? []).filter((each) => isLive(each, recovered_at)).map(viewOf),
    };
  },
});
