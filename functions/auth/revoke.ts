import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { revokeToken } from '../sessions/revoke-token.ts';
import { authenticateClient, CLIENT_PORTS, CLIENT_READS, CLIENT_WRITES } from './client-authentication.ts';
import { TokenText } from './model.ts';
import { ClientFields, formExample, OAUTH_ANSWERS, oauthFailure, withoutEmpty } from './oauth.ts';

const Fields = { token: TokenText, token_type_hint: z.string().max(64).optional() };

/**
 * Revokes an access token, or a refresh token with its session (RFC 7009). What is no token of ours is answered alike.
 *
 * Whoever holds a token may revoke it. A service that says who it is beside it has to prove that.
 */
export const revoke = operation({
  name: 'auth.revoke',
  summary: 'Revokes a token',
  http: [
    { method: 'POST', path: '/api/v1/auth/revoke' },
    {
      method: 'POST',
      path: '/oauth2/revoke',
      body: ['form'],
      credentials: 'basic',
      input: z.object({ ...Fields, ...ClientFields }).meta(formExample({ token: 'token' })),
      request: withoutEmpty,
      answers: [{ status: 200, kind: 'empty' }, ...OAUTH_ANSWERS],
      answer: () => ({ status: 200, kind: 'empty' }),
      failure: oauthFailure,
    },
  ],
  rpc: { method: 'perfect21.auth.AuthService/RevokeToken' },
  access: 'public',
  bounds: { address: 600 },
  input: z.strictObject({ ...Fields, reason: z.string().max(500).optional(), ...ClientFields }),
  output: z.object({ revoked: z.literal(true) }),
  errors: ['invalid_client', 'conflict'],
  reads: CLIENT_READS,
  writes: CLIENT_WRITES,
  needs: [...CLIENT_PORTS, 'metrics'],
  calls: { revokeToken },
  run: async ({ metrics, revokeToken, ...given }, { token, token_type_hint: _, reason, ...fields }, context) => {
    await authenticateClient(given, context, fields);
    await revokeToken({ token, reason });
    metrics.count('perfect21_token_operations_total', { operation: 'revoke', result: 'success' });
    return { revoked: true as const };
  },
});
