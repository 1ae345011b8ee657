import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import type { Verdict } from '../../shared/ports/tokens.ts';
import { getEffective } from '../permissions/get-effective.ts';
import { TokenText } from './model.ts';
import { countVerdict, isOutdated, permissionsNow, toValidation, Validation } from './validation.ts';

/** Says of up to 1000 access tokens whether each is valid now; the answers stand in the order of the tokens. */
export const validateTokens = operation({
  name: 'auth.validate-tokens',
  summary: 'Says of many access tokens whether each is valid now',
  http: { method: 'POST', path: '/api/v1/auth/validate/batch', limit: 1024 * 1024 },
  rpc: { method: 'perfect21.auth.AuthService/BatchValidateTokens' },
  access: 'public',
  input: z.strictObject({ tokens: z.array(TokenText).max(1000) }),
  output: z.object({ results: z.array(Validation) }),
  needs: ['verifier', 'clock', 'log', 'metrics'],
  calls: { getEffective },
  run: async ({ verifier, clock, log, metrics, getEffective }, { tokens }, { trace }) => {
    const verdicts = await Promise.all(tokens.map((token) => verifier.verify(token, trace)));
    for (const verdict of verdicts) countVerdict(metrics, verdict);
    const now = permissionsNow(getEffective, log);
    const answer = async (verdict: Verdict) => {
      const permissions = isOutdated(verdict) ? await now(verdict.claims.sub) : undefined;
      return toValidation(verdict, clock.now(), { permissions });
    };
    return { results: await Promise.all(verdicts.map(answer)) };
  },
});
