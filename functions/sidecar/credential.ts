/** The credential of a request, judged: what every door that proxies ask at has in common. */
import { AppError } from '../../shared/kit/errors.ts';
import type { Metrics } from '../../shared/ports/metrics.ts';
import type { Verdict, Verifier } from '../../shared/ports/tokens.ts';
import type { Trace } from '../../shared/ports/tracer.ts';
import { countVerdict } from '../auth/validation.ts';
import { type RequestVerdict, refused } from './verdict.ts';

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;

/**
 * Judges it. What can't be known is a verdict, too: proxies let errors pass when told to.
 *
 * @param authorization the header's values; more than one is no credential
 * @param more what else has to hold of a good token; gives a refusal
 */
export const verdictOn = async (
  { verifier, metrics }: { verifier: Verifier; metrics: Metrics },
  authorization: readonly string[],
  trace: Trace,
  more: (verdict: Verdict & { valid: true }) => Promise<RequestVerdict | undefined> | undefined,
): Promise<RequestVerdict> => {
  const [credential] = authorization;
  if (credential === undefined) return refused('unauthenticated', 'no_token');
  const token = authorization.length === 1 ? BEARER.exec(credential)?.[1] : undefined;
  if (!token) return refused('unauthenticated', 'malformed');
  try {
    const verdict = await verifier.verify(token, trace);
    countVerdict(metrics, verdict);
    if (!verdict.valid) return refused('unauthenticated', verdict.error);
    const refusal = await more(verdict);
    if (refusal) return refusal;
    const { claims, warnings = [] } = verdict;
    return {
      outcome: 'allowed',
      error: '',
      user_id: claims.sub,
      session_id: claims.sid,
      roles: claims.roles,
      permissions: claims.permissions,
      expires_at: claims.exp,
      warnings: [...warnings],
    };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return refused('unknown', 'unavailable');
  }
};
