import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { checkPermission } from '../permissions/check-permission.ts';
import { presentedToken } from './presented-token.ts';
import { decideByToken } from './token-permission.ts';
import { TokenDecision, TokenQuestion } from './token-question.ts';

/**
 * Decides whether the user of the presented access token may do something. A token that is not valid may nothing, and the
 * reason says why.
 */
export const checkTokenPermission = operation({
  name: 'sidecar.check-permission',
  summary: "Decides whether the presented token's user may do something",
  rpc: { method: 'perfect21.permission.PermissionService/CheckPermission' },
  access: 'public',
  input: TokenQuestion,
  output: TokenDecision,
  needs: ['verifier', 'policyScopes'],
  calls: { checkPermission },
  run: async ({ verifier, ...given }, { user_id, ...question }, context) => {
    const verdict = await verifier.verify(presentedToken(context), context.trace);
    if (!verdict.valid) return { allowed: false, reason: verdict.error, applied_policies: [] };
    if (user_id && user_id !== verdict.claims.sub)
      throw new AppError('forbidden', { detail: "Only the token's own user can be asked about here" });
    return decideByToken(given, verdict, question);
  },
});
