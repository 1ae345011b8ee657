/** What validating one token and many have in common. */
import * as z from 'zod';
import { lasting } from '../../shared/kit/lasting.ts';
import type { ClientChange } from '../../shared/ports/client-marks.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { Metrics } from '../../shared/ports/metrics.ts';
import { type AccessClaims, TOKEN_ERRORS, type TokenError, type Verdict } from '../../shared/ports/tokens.ts';

/** ValidateTokenResponse (proto/auth_service.proto). */
export const Validation = z.object({
  valid: z.boolean(),
  user_id: z.string(),
  permissions: z.array(z.string()),
  expires_at: z.int().meta({ description: 'Unix seconds; 0 for a token that is not valid' }),
  error_message: z.string().meta({ description: 'Why the token is not valid' }),
  warnings: z.array(z.string()).meta({
    description:
      'expires_soon; permissions_changed: the permissions may have changed since the token was issued, and those of now are answered where they can be known; revocations_stale: what is known of revocations is older than usual; ip_changed (by network, IPv4 /24 and IPv6 /64) and device_changed (user_agent, device_info.device_id): the client is another than the token was issued to',
  }),
});

const SOON = 60;

/** Counts a verdict. Labels are made once, for this is done more often than anything else. */
export const countVerdict = (metrics: Metrics, verdict: Verdict): void =>
  metrics.count('perfect21_token_operations_total', LABELS[verdict.valid ? 'valid' : verdict.error]);
const LABELS = Object.fromEntries(
  ['valid' as const, ...TOKEN_ERRORS].map((result) => [result, Object.freeze({ operation: 'validate', result })]),
) as Record<TokenError | 'valid', { operation: string; result: string }>;

/** True for a token that is older than the last change of what its user may. */
export const isOutdated = (verdict: Verdict): verdict is Verdict & { valid: true } =>
  verdict.valid && verdict.warnings?.includes('permissions_changed') === true;

type GetEffective = (input: { user_id: string }) => Promise<{ permissions: string[] }>;

/**
 * Asks what users may now, each once. Undefined where it can't be known (a sidecar asks nobody): the warning then stands
 * beside what the token says.
 */
export const permissionsNow = (getEffective: GetEffective, log: Log) => {
  const asked = new Map<string, Promise<string[] | undefined>>();
  return (user_id: string): Promise<string[] | undefined> => {
    const found =
      asked.get(user_id) ??
      getEffective({ user_id }).then(
        ({ permissions }) => permissions,
        (cause) => void log.debug('permissions.not_known', { user_id, cause }),
      );
    asked.set(user_id, found as Promise<string[] | undefined>);
    return found as Promise<string[] | undefined>;
  };
};

type Answer = z.input<typeof Validation>;

const accepted = ({ sub, permissions, exp }: AccessClaims, warnings: string[]): Answer => ({
  valid: true,
  user_id: sub,
  permissions,
  expires_at: exp,
  error_message: '',
  warnings,
});

/** Permissions of an answer that is kept: who has hundreds asks no more often than others, and would fill the memory. */
const FEW = 32;
/** Of verdicts that the verifier keeps for a token, where nothing is to be said beside them. */
const plain = new WeakMap<Verdict, Answer>();
const plainOf = (verdict: Verdict & { valid: true }): Answer => {
  const known = plain.get(verdict);
  if (known) return known;
  const answer = accepted(verdict.claims, []);
  if (answer.permissions.length > FEW) return answer;
  const made = lasting(answer);
  plain.set(verdict, made);
  return made;
};

export const toValidation = (
  verdict: Verdict,
  now: number,
  { changes = [], permissions }: { changes?: readonly ClientChange[]; permissions?: string[] | undefined } = {},
): Answer => {
  if (!verdict.valid)
    return { valid: false, user_id: '', permissions: [], expires_at: 0, error_message: verdict.error, warnings: [] };
  const { claims, warnings = [] } = verdict;
  const soon = claims.exp - now / 1000 < SOON;
  if (!soon && !permissions && warnings.length + changes.length === 0) return plainOf(verdict);
  return accepted({ ...claims, ...(permissions && { permissions }) }, [
    ...warnings,
    ...(soon ? ['expires_soon'] : []),
    ...changes,
  ]);
};
