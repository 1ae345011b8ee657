/** What an access token must say (RFC 9068), as pure functions of its header and payload. */
import type { AccessClaims, TokenError } from '../ports/tokens.ts';
import { KID, SIGNING_ALGS } from './jwk.ts';

/** The signer of our tokens as their client: first parties only. */
export const CLIENT_ID = 'perfect21';
/** The longest life that a verifier believes, seconds. */
export const MAX_LIFETIME = 900;
/** How far ahead a signer's clock may be, seconds. Expiry gets no leeway: `exp` is the first moment of refusal. */
export const CLOCK_LEEWAY = 60;

export interface ClaimRules {
  issuer: string;
  audience: string;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');
/** A generation that older tokens lack. */
const isGeneration = (value: unknown): value is number | undefined =>
  value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0);
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

/** RFC 9068 §4: `at+jwt`, as a media type, so `application/` may precede and case does not matter. */
const isAccessTokenType = (typ: unknown): boolean => typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ);

/** The key that a header asks for, or undefined when this is no header of an access token. */
export const judgeHeader = ({ alg, kid, typ }: Record<string, unknown>): { kid: string } | undefined =>
  typeof alg === 'string' && SIGNING_ALGS.has(alg) && isAccessTokenType(typ) && typeof kid === 'string' && KID.test(kid)
    ? { kid }
    : undefined;

/** True for a JWT of our issuer that is over, whatever else it lacks: `expired` is then the more useful refusal. */
export const isLapsed = (payload: Record<string, unknown>, rules: ClaimRules, now: number): boolean =>
  payload.iss === rules.issuer && isTime(payload.exp) && now >= payload.exp;

/**
 * Judges the payload of a token whose signature holds. `now` is in unix seconds, fractions allowed.
 *
 * @returns the claims, copied by name (nothing undeclared comes along), or the first reason of the fixed order:
 * malformed, wrong_issuer, wrong_audience, not_yet_valid, expired
 */
export const judgeClaims = (
  payload: Record<string, unknown>,
  rules: ClaimRules,
  now: number,
): AccessClaims | TokenError => {
  const {
    iss,
    aud,
    sub,
    client_id,
    jti,
    sid,
    gen,
    pgen,
    rgen,
    cnx,
    client_name,
    auth_time,
    amr,
    acr,
    iat,
    exp,
    nbf,
    permissions,
    roles,
  } = payload;
  const shaped =
    isText(iss) &&
    (isText(aud) || isTexts(aud)) &&
    isText(sub) &&
    isText(client_id) &&
    isText(jti) &&
    isText(sid) &&
    Number.isSafeInteger(gen) &&
    isGeneration(pgen) &&
    isGeneration(rgen) &&
    (cnx === undefined || typeof cnx === 'string') &&
    (client_name === undefined || typeof client_name === 'string') &&
    (auth_time === undefined || isTime(auth_time)) &&
    (amr === undefined || isTexts(amr)) &&
    (acr === undefined || typeof acr === 'string') &&
    isTime(iat) &&
    isTime(exp) &&
    (nbf === undefined || isTime(nbf)) &&
    exp > iat &&
    exp - iat <= MAX_LIFETIME &&
    isTexts(permissions) &&
    isTexts(roles);
  if (!shaped) return isLapsed(payload, rules, now) ? 'expired' : 'malformed';
  if (iss !== rules.issuer) return 'wrong_issuer';
  if (typeof aud === 'string' ? aud !== rules.audience : !aud.includes(rules.audience)) return 'wrong_audience';
  if (iat > now + CLOCK_LEEWAY || (nbf !== undefined && nbf > now + CLOCK_LEEWAY)) return 'not_yet_valid';
  if (now >= exp) return 'expired';
  const claims = {
    iss,
    aud: rules.audience,
    sub,
    client_id,
    jti,
    sid,
    gen: gen as number,
    iat,
    exp,
    permissions,
    roles,
  };
  return {
    ...claims,
    ...((pgen || rgen) && { pgen, rgen }),
    ...(cnx && { cnx }),
    ...(client_name && { client_name }),
    ...(auth_time !== undefined && { auth_time }),
    ...(amr && { amr }),
    ...(acr && { acr }),
  };
};
