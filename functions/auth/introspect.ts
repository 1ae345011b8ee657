import * as z from 'zod';
import { serviceIdIn } from '../../shared/keys/service-credential-records.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import type { AccessClaims } from '../../shared/ports/tokens.ts';
import { isOfService } from '../../shared/ports/tokens.ts';
import { getEffective } from '../permissions/get-effective.ts';
import { findRefreshToken } from '../sessions/find-refresh-token.ts';
import { authenticateClient, CLIENT_PORTS, CLIENT_READS, CLIENT_WRITES } from './client-authentication.ts';
import { TokenText } from './model.ts';
import { ClientFields, formExample, OAUTH_ANSWERS, OWN_CLIENT, oauthFailure, withoutEmpty } from './oauth.ts';

const Introspection = z.object({
  active: z.boolean(),
  scope: z.string().optional().meta({ description: 'Permissions of now, with spaces between' }),
  client_id: z.string().optional(),
  token_type: z.enum(['Bearer', 'refresh_token']).optional(),
  exp: z.int().optional().meta({ description: 'Unix seconds' }),
  iat: z.int().optional(),
  sub: z.string().optional(),
  aud: z.string().optional(),
  iss: z.string().optional(),
  jti: z.string().optional(),
  sid: z.string().optional(),
});
type Introspection = z.input<typeof Introspection>;

const INACTIVE: Introspection = { active: false };

const ofClaims = (claims: AccessClaims, permissions: readonly string[]): Introspection => {
  const { client_id, exp, iat, sub, aud, iss, jti, sid } = claims;
  const session = isOfService(claims) ? {} : { sid };
  const scope = permissions.join(' ');
  return { active: true, scope, client_id, token_type: 'Bearer', exp, iat, sub, aud, iss, jti, ...session };
};

/**
 * Says what a token stands for now (RFC 7662), to a service that proves who it is: as at the token endpoint, or by a
 * bearer token of its own. Access tokens, refresh tokens and service tokens are known; of anything else it is only said
 * that it is not active.
 */
export const introspect = operation({
  name: 'auth.introspect',
  summary: 'Says what a token stands for now (RFC 7662)',
  http: {
    method: 'POST',
    path: '/oauth2/introspect',
    body: ['form'],
    credentials: 'basic',
    request: withoutEmpty,
    answers: [{ status: 200, kind: 'json', schema: Introspection }, ...OAUTH_ANSWERS],
    answer: (json) => ({ status: 200, kind: 'json', json }),
    failure: oauthFailure,
  },
  access: 'public',
  bounds: { address: 6_000 },
  input: z
    .object({ token: TokenText, token_type_hint: z.string().max(64).optional(), ...ClientFields })
    .meta(formExample({ token: 'token' })),
  output: Introspection,
  errors: ['invalid_client'],
  reads: CLIENT_READS,
  writes: CLIENT_WRITES,
  needs: [...CLIENT_PORTS, 'settings', 'verifier', 'serviceTokens'],
  calls: { findRefreshToken, getEffective },
  audit: 'events',
  run: async (
    { settings, verifier, serviceTokens, findRefreshToken, getEffective, ...given },
    { token, ...fields },
    context,
  ) => {
    const { bearer } = context;
    const asService = async (): Promise<boolean> => {
      if (bearer === undefined) return false;
      if (serviceIdIn(bearer)) return (await serviceTokens.verify(bearer)) !== undefined;
      const verdict = await verifier.verify(bearer);
      return verdict.valid && isOfService(verdict.claims);
    };
    if (!(await authenticateClient(given, context, fields)) && !(await asService()))
      throw new AppError('invalid_client');

    const { public_url: iss, audience: aud } = settings;
    const service_id = serviceIdIn(token);
    if (service_id) {
      const service = await serviceTokens.verify(token);
      if (!service) return INACTIVE;
      const scope = service.permissions.join(' ');
      return { active: true, scope, client_id: service_id, sub: service_id, token_type: 'Bearer' as const, iss, aud };
    }
    const { session } = await findRefreshToken({ refresh_token: token });
    if (session) {
      const { user_id: sub, session_id: sid, created_at: iat, expires_at: exp } = session;
      const about = { sub, sid, iat, exp, iss, client_id: OWN_CLIENT };
      return { active: true, token_type: 'refresh_token' as const, ...about };
    }
    const verdict = await verifier.verify(token);
    if (!verdict.valid) return INACTIVE;
    const { sub: user_id, permissions } = verdict.claims;
    const older = verdict.warnings?.includes('permissions_changed');
    return ofClaims(verdict.claims, older ? (await getEffective({ user_id })).permissions : permissions);
  },
});
