import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { TokenText } from './model.ts';
import { countVerdict, toValidation, Validation } from './validation.ts';

/** Says of up to 1000 access tokens whether each is valid now; the answers stand in the order of the tokens. */
export const validateTokens = operation({
  name: 'auth.validate-tokens',
  summary: 'Says of many access tokens whether each is valid now',
  http: { method: 'POST', path: '/api/v1/auth/validate/batch', limit: 1024 * 1024 },
  rpc: { method: 'perfect21.auth.AuthService/BatchValidateTokens' },
  access: 'public',
  input: z.strictObject({ tokens: z.array(TokenText).max(1000) }),
  output: z.object({ results: z.array(Validation) }),
  needs: ['verifier', 'clock', 'metrics'],
  run: async ({ verifier, clock, metrics }, { tokens }) => {
    const verdicts = await Promise.all(tokens.map((token) => verifier.verify(token)));
    for (const verdict of verdicts) countVerdict(metrics, verdict);
    return { results: verdicts.map((verdict) => toValidation(verdict, clock.now())) };
  },
});
