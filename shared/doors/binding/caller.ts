/** Who calls: the one place where a presented credential becomes a caller. */
import { ANONYMOUS, type Caller } from '../../kit/context.ts';
import { AppError } from '../../kit/errors.ts';
import type { Ports } from '../../ports/index.ts';

const BEARER = /^Bearer +([\x21-\x7e]+)$/i;

/** Prefix of service tokens, by which they are told from access tokens. */
export const SERVICE_TOKEN_PREFIX = 'p21s_';

export interface Presented {
  caller: Caller;
  bearer?: string;
}

/**
 * Reads an `Authorization` header (RFC 6750). No header: nobody.
 *
 * @throws AppError `unauthenticated` for a credential that is not valid, `unavailable` when that can't be known now
 */
export const authenticate = async (
  ports: Pick<Ports, 'verifier' | 'serviceTokens'>,
  authorization: string | undefined,
): Promise<Presented> => {
  if (authorization === undefined) return { caller: ANONYMOUS };
  const bearer = BEARER.exec(authorization)?.[1];
  if (!bearer) throw new AppError('unauthenticated', { detail: 'Authorization has to be "Bearer <token>"' });
  if (bearer.startsWith(SERVICE_TOKEN_PREFIX)) {
    const service = await ports.serviceTokens.verify(bearer);
    if (!service) throw new AppError('unauthenticated', { detail: 'The service token is not valid' });
    return { caller: { kind: 'service', ...service }, bearer };
  }
  const verdict = await ports.verifier.verify(bearer);
  if (!verdict.valid) {
    throw new AppError('unauthenticated', { detail: `The access token is not valid: ${verdict.error}` });
  }
  const { sub, sid, jti, gen, exp, permissions, roles } = verdict.claims;
  const caller: Caller = {
    kind: 'user',
    user_id: sub,
    session_id: sid,
    jti,
    generation: gen,
    expires_at: exp,
    permissions,
    roles,
  };
  return { caller, bearer };
};
