/** Client assertions (RFC 7523): read strictly, judged before anything is stored. */
import { adapter } from '../kit/adapter.ts';
import type { ClientAssertions, ServiceKey } from '../ports/client-assertions.ts';
import type { Ports } from '../ports/index.ts';
import { parseObject } from './json-members.ts';
import { readVerificationKey, thumbprint } from './jwk.ts';
import { type Jws, parseJws, verifyJws } from './jws.ts';

/** How far ahead an assertion may end, and how far ahead the clock of its signer may be, seconds. */
const LONGEST = 600;
const LEEWAY = 60;

/** Clients write the one curve of EdDSA that we take by either name (RFC 9864). */
const algOf = (alg: unknown): unknown => (alg === 'Ed25519' ? 'EdDSA' : alg);

const ALG: Readonly<Record<string, string>> = { RSA: 'RS256', EC: 'ES256', OKP: 'EdDSA' };

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= 256;
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0;

/** One audience, exactly: an assertion for somebody else's server is no proof here. */
const isFor = (aud: unknown, audiences: readonly string[]): boolean => {
  const [only, ...more] = [aud].flat();
  return more.length === 0 && audiences.includes(only as string);
};

/** An access token is no assertion, though a service's has itself as subject, too. */
const isAssertionType = (typ: unknown): boolean =>
  typ === undefined || (typeof typ === 'string' && /^(application\/)?(client-authentication\+)?jwt$/i.test(typ));

interface Claims {
  sub: string;
  jti: string;
  exp: number;
}

/** The claims, if they hold now. @param now unix seconds */
const claimsOf = (payload: Record<string, unknown>, audiences: readonly string[], now: number): Claims | undefined => {
  const { iss, sub, aud, exp, nbf, iat, jti } = payload;
  if (!isText(sub) || iss !== sub || !isText(jti) || !isFor(aud, audiences)) return undefined;
  if (!isTime(exp) || now >= exp + LEEWAY || exp > now + LONGEST + LEEWAY) return undefined;
  for (const from of [nbf, iat]) if (from !== undefined && !(isTime(from) && from <= now + LEEWAY)) return undefined;
  return { sub, jti, exp };
};

const isSignedBy = ({ header, ...rest }: Jws, keys: readonly ServiceKey[], now: number): boolean =>
  keys
    .filter(({ expires_at = Number.POSITIVE_INFINITY }) => now < expires_at)
    .filter(({ kid }) => header.kid === undefined || header.kid === kid)
    .some(({ kid, alg, jwk }) => {
      const key = readVerificationKey({ ...jwk, kid, alg });
      return key !== undefined && verifyJws({ ...rest, header: { ...header, alg: algOf(header.alg) } }, key);
    });

/**
 * The reader of assertions for one server, which is called by its issuer or its token endpoint.
 *
 * @example createClientAssertions({ clock, settings }).read(jwt)?.isSignedBy(keys)
 */
export const createClientAssertions = ({ clock, settings }: Pick<Ports, 'clock' | 'settings'>): ClientAssertions => {
  const audiences = [settings.public_url, `${settings.public_url}/oauth2/token`];
  return {
    read: (text) => {
      const jws = parseJws(text);
      const payload = jws && isAssertionType(jws.header.typ) ? parseObject(jws.payload) : undefined;
      const claims = payload && claimsOf(payload, audiences, clock.now() / 1_000);
      if (!jws || !claims) return undefined;
      return {
        client_id: claims.sub,
        jti: claims.jti,
        expires_at: Math.ceil((claims.exp + LEEWAY) * 1_000),
        isSignedBy: (keys) => isSignedBy(jws, keys, clock.now()),
      };
    },
    toKey: ({ kid, alg, use: _, ...jwk }) => {
      const named = { alg: String(algOf(alg) ?? ALG[String(jwk.kty)]), kid: String(kid ?? '') };
      const key = readVerificationKey({ ...jwk, ...named });
      return key && { alg: named.alg, kid: named.kid || thumbprint(key.key), jwk };
    },
  };
};

export const clientAssertions = adapter({
  port: 'clientAssertions',
  needs: ['clock', 'settings'],
  open: (ports) => ({ port: createClientAssertions(ports) }),
});
