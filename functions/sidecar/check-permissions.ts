import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { checkPermission } from '../permissions/check-permission.ts';
import { presentedToken } from './presented-token.ts';
import { decideByToken } from './token-permission.ts';
import { TokenDecision, TokenQuestion } from './token-question.ts';

/** Decides many checks about the user of the presented access token, in their order. */
export const checkTokenPermissions = operation({
  name: 'sidecar.check-permissions',
  summary: "Decides up to 1,000 checks about the presented token's user",
  rpc: { method: 'perfect21.permission.PermissionService/BatchCheckPermissions' },
  access: 'public',
  input: z.strictObject({ checks: z.array(TokenQuestion).min(1).max(1_000) }),
  output: z.object({ results: z.array(TokenDecision) }),
  needs: ['verifier', 'policyScopes'],
  calls: { checkPermission },
  run: async ({ verifier, ...given }, { checks }, context) => {
    const verdict = await verifier.verify(presentedToken(context), context.trace);
    if (!verdict.valid)
      return { results: checks.map(() => ({ allowed: false, reason: verdict.error, applied_policies: [] })) };
    if (checks.some(({ user_id }) => user_id && user_id !== verdict.claims.sub))
      throw new AppError('forbidden', { detail: "Only the token's own user can be asked about here" });
    const results = await Promise.all(checks.map(({ user_id: _, ...each }) => decideByToken(given, verdict, each)));
    return { results };
  },
});
