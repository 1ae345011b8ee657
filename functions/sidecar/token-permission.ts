/** A permission decided by what a token carries, or by the permission service where the token does not say it all. */
import { covers, parsePermission } from '../../shared/kit/permissions.ts';
import type { PolicyScopes } from '../../shared/ports/policy-scopes.ts';
import { isOfService, type Verdict } from '../../shared/ports/tokens.ts';
import { type Question, wantedOf } from '../permissions/question.ts';

export interface Decision {
  allowed: boolean;
  reason: string;
  applied_policies: string[];
}

type Asked = Question & { context: Record<string, string | number | boolean> };

interface Given {
  policyScopes: PolicyScopes;
  checkPermission(input: { user_id: string } & Asked): Promise<Decision>;
}

/** Denials win; what nothing covers is denied. */
const byToken = (permissions: readonly string[], question: Question, user: string): Decision => {
  const wanted = wantedOf(question, user);
  const touching = permissions.filter((text) => covers(parsePermission(text), wanted));
  const denial = touching.find((text) => text.startsWith('!'));
  if (denial) return { allowed: false, reason: 'denied_by_grant', applied_policies: [`token:${denial}`] };
  const [allowing] = touching;
  if (!allowing) return { allowed: false, reason: 'no_rule_allows', applied_policies: [] };
  return { allowed: true, reason: 'granted_by_token', applied_policies: [`token:${allowing}`] };
};

/**
 * Decides. Of a user the permission service is asked where permissions changed after the token was issued, or a policy may
 * have a say; otherwise nobody is. A service may what its token holds, as at every door: policies are about users.
 *
 * @throws AppError `unavailable` when the permission service has to be asked and is away
 */
export const decideByToken = async (
  { policyScopes, checkPermission }: Given,
  { claims, warnings = [] }: Verdict & { valid: true },
  question: Asked,
): Promise<Decision> => {
  const { resource, action } = question;
  const outdated = (warnings as readonly string[]).includes('permissions_changed');
  const alone = isOfService(claims) || (!outdated && !policyScopes.concern(resource, action, claims.rgen ?? 0));
  return alone
    ? byToken(claims.permissions, question, claims.sub)
    : checkPermission({ user_id: claims.sub, ...question });
};
