import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { factors } from './records.ts';

/** The caller's second factor: whether there is one, since when, and how many recovery codes are left. */
export const getFactors = operation({
  name: 'auth.get-factors',
  summary: "Shows the caller's second factor",
  http: { method: 'GET', path: '/api/v1/auth/mfa' },
  access: 'user',
  input: z.strictObject({}),
  output: z.object({
    factors: z.array(
      z.object({ method: z.literal('totp'), confirmed_at: z.int().meta({ description: 'Unix seconds' }) }),
    ),
    recovery_codes_left: z.int(),
  }),
  reads: [factors],
  run: async ({ store }, _, { caller }) => {
    const factor = caller.kind === 'user' ? await store.get(factors, caller.user_id) : undefined;
    const { confirmed_at, recovery = [] } = factor?.value ?? {};
    return {
      factors: confirmed_at === undefined ? [] : [{ method: 'totp' as const, confirmed_at }],
      recovery_codes_left: confirmed_at === undefined ? 0 : recovery.length,
    };
  },
});
