/** Who calls: the one place where a presented credential becomes a caller. */
import { isUtf8 } from 'node:buffer';
import { ANONYMOUS, type Caller } from '../../kit/context.ts';
import { AppError } from '../../kit/errors.ts';
import type { Ports } from '../../ports/index.ts';
import { isOfService } from '../../ports/tokens.ts';

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;

/** Prefix of service tokens, by which they are told from access tokens. */
export const SERVICE_TOKEN_PREFIX = 'p21s_';

export interface Presented {
  caller: Caller;
  bearer?: string;
  basic?: { user: string; password: string };
}

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * Reads HTTP Basic credentials (RFC 7617), without judging them. Undefined where there are none of this scheme.
 *
 * @throws AppError `unauthenticated` for some that can't be read
 */
export const readBasic = (authorization: string | undefined): { user: string; password: string } | undefined => {
  if (authorization === undefined || !/^Basic( |$)/i.test(authorization)) return undefined;
  const bytes = Buffer.from(BASIC.exec(authorization)?.[1] ?? '', 'base64');
  const text = isUtf8(bytes) ? bytes.toString('utf8') : '';
  const colon = text.indexOf(':');
  if (colon === -1 || CONTROL.test(text)) {
    throw new AppError('unauthenticated', { detail: 'The Basic credentials can not be read' });
  }
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
};

/** The bearer token of an `Authorization` header, which nobody has judged. */
export const readBearer = (authorization: string | undefined): string | undefined =>
  authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];

/**
 * Reads an `Authorization` header (RFC 6750). No header: nobody.
 *
 * @throws AppError `unauthenticated` for a credential that is not valid, `unavailable` when that can't be known now
 */
export const authenticate = async (
  ports: Partial<Pick<Ports, 'verifier' | 'serviceTokens'>>,
  authorization: string | undefined,
): Promise<Presented> => {
  if (authorization === undefined) return { caller: ANONYMOUS };
  const bearer = readBearer(authorization);
  if (!bearer) throw new AppError('unauthenticated', { detail: 'Authorization has to be "Bearer <token>"' });
  if (bearer.startsWith(SERVICE_TOKEN_PREFIX)) {
    const service = await ports.serviceTokens?.verify(bearer);
    if (!service) throw new AppError('unauthenticated', { detail: 'The service token is not valid', of_token: true });
    return { caller: { kind: 'service', ...service }, bearer };
  }
  const verdict = await ports.verifier?.verify(bearer);
  if (!verdict?.valid) {
    // nobody is known where no operation asks who calls
    if (!verdict) throw new AppError('unauthenticated', { detail: 'No credentials are taken here' });
    const detail = `The access token is not valid: ${verdict.error}`;
    throw new AppError('unauthenticated', { detail, of_token: true });
  }
  const { sub, sid, jti, gen, exp, permissions, roles, client_name } = verdict.claims;
  if (isOfService(verdict.claims))
    return { caller: { kind: 'service', name: client_name ?? sub, permissions }, bearer };
  const caller: Caller = {
    kind: 'user',
    user_id: sub,
    session_id: sid,
    jti,
    generation: gen,
    expires_at: exp,
    permissions,
    roles,
    ...(verdict.warnings?.includes('permissions_changed') && { outdated: true as const }),
  };
  return { caller, bearer };
};
