/** Verifies access tokens: structure before cryptography, claims after, revocations last; known tokens cost a look-up. */

import { adapter } from '../kit/adapter.ts';
import type { Ports } from '../ports/index.ts';
import type { Finding } from '../ports/revocations.ts';
import type { AccessClaims, TokenError, Verdict, VerificationKey, Verifier } from '../ports/tokens.ts';
import { type ClaimRules, isLapsed, judgeClaims, judgeHeader } from './access-token.ts';
import { parseObject } from './json-members.ts';
import { type Jws, parseJws, verifyJws } from './jws.ts';
import { Recent } from './recent.ts';

/** Only tokens whose signature held get in, so a stranger can't push others out. */
const CACHED_TOKENS = 10_000;

/** Characters of a signature: enough to tell tokens apart, and quicker to look up than a whole token. */
const TAIL = 43;

type Payload = Record<string, unknown>;

interface Known {
  token: string;
  kid: string;
  claims: AccessClaims;
  verdict: Promise<Verdict>;
}

type Warnings = readonly ('permissions_changed' | 'revocations_stale')[];
const NONE: Warnings = Object.freeze([]);
const OUTDATED: Warnings = Object.freeze(['permissions_changed'] as const);
const STALE: Warnings = Object.freeze(['revocations_stale'] as const);

/** A token that lives, and what is to be said of it. */
const warned = (claims: AccessClaims, outdated: boolean, stale: boolean): Verdict =>
  Object.freeze({
    valid: true,
    claims,
    warnings: Object.freeze([...(outdated ? OUTDATED : NONE), ...(stale ? STALE : NONE)]),
  });

const refused = (error: TokenError): Promise<Verdict> => Promise.resolve(Object.freeze({ valid: false, error }));

/** Cached verdicts are shared by all callers, so none may change them. */
const frozen = (claims: AccessClaims): AccessClaims => {
  Object.freeze(claims.permissions);
  Object.freeze(claims.roles);
  return Object.freeze(claims);
};

/**
 * The verifier over keys, revocations and a clock.
 *
 * Refusals come in a fixed order: malformed, unknown_key, bad_signature, wrong_issuer, wrong_audience, not_yet_valid,
 * expired, then what a revocation says; one of permissions refuses nothing and warns. A token of our issuer that lacks something and is over is called expired.
 */
export const createVerifier = (
  { keys, revocations, clock }: Pick<Ports, 'keys' | 'revocations' | 'clock'>,
  rules: ClaimRules,
): Verifier => {
  const known = new Recent<string, Known>(CACHED_TOKENS);

  /** By what is known against a token, and how old that is. `verdict` is that of a good one of which nothing is to be said. */
  const judged = (found: Finding | undefined, claims: AccessClaims, verdict: Promise<Verdict>): Promise<Verdict> => {
    if (found !== undefined && found !== 'permissions_changed') return refused(found);
    const stale = revocations.late?.() === true;
    return found || stale ? Promise.resolve(warned(claims, found !== undefined, stale)) : verdict;
  };

  const alive = (claims: AccessClaims, verdict: Promise<Verdict>): Promise<Verdict> => {
    const found = revocations.find(claims);
    if (found === undefined || typeof found === 'string') return judged(found, claims, verdict);
    return found.then((late) => judged(late, claims, verdict));
  };

  const judgeBy = (key: VerificationKey | undefined, token: string, jws: Jws, payload: Payload): Promise<Verdict> => {
    if (!key) return refused('unknown_key');
    if (!verifyJws(jws, key)) return refused('bad_signature');
    const claims = judgeClaims(payload, rules, clock.now() / 1000);
    if (typeof claims === 'string') return refused(claims);
    const verdict: Promise<Verdict> = Promise.resolve(Object.freeze({ valid: true, claims: frozen(claims) }));
    known.set(token.slice(-TAIL), { token, kid: key.kid, claims, verdict });
    return alive(claims, verdict);
  };

  /** A token not seen before. Synchronous too, while its key is at hand. */
  const judge = (token: string): Promise<Verdict> => {
    const jws = parseJws(token);
    const payload = jws && parseObject(jws.payload);
    if (!payload) return refused('malformed');
    const wanted = judgeHeader(jws.header);
    if (!wanted) {
      const bare = jws.header.typ === undefined || jws.header.kid === undefined;
      return refused(bare && isLapsed(payload, rules, clock.now() / 1000) ? 'expired' : 'malformed');
    }
    const key = keys.verification(wanted.kid);
    if (!(key instanceof Promise)) return judgeBy(key, token, jws, payload);
    return key.then((late) => judgeBy(late, token, jws, payload));
  };

  /** A token seen before: its key may be withdrawn, its time over, its life revoked. Synchronous while all is fresh. */
  const again = (token: string, { kid, claims, verdict }: Known): Promise<Verdict> => {
    const key = keys.verification(kid);
    if (!key || key instanceof Promise) {
      known.delete(token.slice(-TAIL));
      return judge(token);
    }
    if (clock.now() / 1000 >= claims.exp) {
      known.delete(token.slice(-TAIL));
      return refused('expired');
    }
    return alive(claims, verdict);
  };

  return {
    verify: (token) => {
      const seen = known.get(token.slice(-TAIL));
      try {
        // only the very same token is known, whatever it ends with
        return seen?.token === token ? again(token, seen) : judge(token);
      } catch (thrown) {
        return Promise.reject(thrown);
      }
    },
  };
};

export const verifier = adapter({
  port: 'verifier',
  needs: ['keys', 'revocations', 'settings', 'clock'],
  open: (ports) => ({
    port: createVerifier(ports, { issuer: ports.settings.public_url, audience: ports.settings.audience }),
  }),
});
