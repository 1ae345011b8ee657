/** A verifier that asks who issued a token when it can't know of revocations itself. */
import { AppError } from '../kit/errors.ts';
import type { Verdict, Verifier } from '../ports/tokens.ts';
import type { Trace } from '../ports/tracer.ts';
import { type ClaimRules, judgeClaims } from './access-token.ts';
import { parseObject } from './json-members.ts';
import { parseJws } from './jws.ts';

/** What the issuer says of a token. */
export type Ask = (
  token: string,
  trace?: Trace,
) => Promise<{ valid: boolean; error_message: string; warnings: readonly string[] }>;

/** The claims of a token that its issuer called valid. */
const claimsOf = (token: string, rules: ClaimRules, now: number): Verdict => {
  const jws = parseJws(token);
  const payload = jws && parseObject(jws.payload);
  const claims = payload && judgeClaims(payload, rules, now);
  if (!claims) return { valid: false, error: 'malformed' };
  return typeof claims === 'string' ? { valid: false, error: claims } : { valid: true, claims };
};

/**
 * @param ask throws AppError `unavailable` when the issuer does not answer either
 * @example const port = askingVerifier(verifier, (token, trace) => origin.call(validateToken, { token }, trace), rules, clock.now);
 */
export const askingVerifier = (inner: Verifier, ask: Ask, rules: ClaimRules, now: () => number): Verifier => {
  const asked = async (token: string, trace?: Trace): Promise<Verdict> => {
    const said = await ask(token, trace);
    if (!said.valid) return { valid: false, error: said.error_message as Extract<Verdict, { valid: false }>['error'] };
    const verdict = claimsOf(token, rules, now() / 1_000);
    const changed = said.warnings.includes('permissions_changed');
    return verdict.valid && changed ? { ...verdict, warnings: ['permissions_changed'] } : verdict;
  };
  return {
    verify: (token, trace) =>
      inner.verify(token).catch((thrown: unknown) => {
        if (thrown instanceof AppError && thrown.code === 'unavailable') return asked(token, trace);
        throw thrown;
      }),
  };
};
