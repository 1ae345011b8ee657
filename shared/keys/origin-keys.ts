/** The keys of a platform that is somewhere else, and the name that it issues tokens under. */
import type { Ports } from '../ports/index.ts';
import type { VerificationKeys } from '../ports/tokens.ts';
import { type HttpGet, httpGet } from '../system/http-get.ts';
import { openJwksKeys } from './jwks-keys.ts';

const BOUNDS = { ms: 3_000, most: 64 * 1024 };

export interface OriginKeys {
  keys: VerificationKeys;
  /** What `iss` has to be; nothing before the origin was heard. Kept from then on. */
  issuer(): string;
  /** Whether keys are known. */
  isReady(): Promise<boolean>;
}

/** The issuer that an OpenID configuration names. */
const issuerAt = async (origin: string, get: HttpGet): Promise<string> => {
  const { status, body } = await get(`${origin}/.well-known/openid-configuration`, BOUNDS);
  const { issuer } = status === 200 ? JSON.parse(body.toString('utf8')) : {};
  if (typeof issuer !== 'string' || !/^https?:/.test(issuer))
    throw new Error('the origin says not who issues its tokens');
  return issuer;
};

/**
 * Opens them. The origin need not be there yet: until then a check answers `unavailable`. A sidecar may reach it under
 * another name than the one in its tokens, so it is asked for that one unless `issuer` says it.
 */
export const openOriginKeys = async (
  { origin, issuer: given }: { origin: string; issuer?: string },
  ports: Pick<Ports, 'clock' | 'log'>,
  get: HttpGet = httpGet,
): Promise<OriginKeys> => {
  let issuer = given;
  const keys = await openJwksKeys(`${origin}/.well-known/jwks.json`, ports, async (url, bounds) => {
    issuer ??= await issuerAt(origin, get);
    return get(url, bounds);
  });
  return {
    keys,
    issuer: () => issuer ?? '',
    isReady: () =>
      keys.jwks().then(
        (set) => set.keys.length > 0 && issuer !== undefined,
        () => false,
      ),
  };
};
