/** What is said of a request, at every door that proxies ask at. */
import * as z from 'zod';

/** `unknown` is no verdict: whoever asked must not let pass. */
export const OUTCOMES = ['allowed', 'unauthenticated', 'forbidden', 'unknown'] as const;

export const RequestVerdict = z.object({
  outcome: z.enum(OUTCOMES),
  /** Why it is not allowed: `no_token`, what is wrong with the token, the permission that lacks, or `unavailable`. */
  error: z.string(),
  user_id: z.string(),
  session_id: z.string(),
  roles: z.array(z.string()),
  permissions: z.array(z.string()),
  /** Unix seconds. */
  expires_at: z.int(),
  warnings: z.array(z.string()),
});
export type RequestVerdict = z.output<typeof RequestVerdict>;

const NOBODY = { user_id: '', session_id: '', roles: [], permissions: [], expires_at: 0, warnings: [] };

/** What is said of a request that gets no further. */
export const refused = (outcome: Exclude<RequestVerdict['outcome'], 'allowed'>, error: string): RequestVerdict => ({
  ...NOBODY,
  outcome,
  error,
});
