import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { revokeToken } from '../sessions/revoke-token.ts';
import { TokenText } from './model.ts';

/** Revokes an access token, or a refresh token with its session (RFC 7009). What is no token of ours is answered alike. */
export const revoke = operation({
  name: 'auth.revoke',
  summary: 'Revokes a token',
  http: { method: 'POST', path: '/api/v1/auth/revoke' },
  rpc: { method: 'perfect21.auth.AuthService/RevokeToken' },
  access: 'public',
  bounds: { address: 600 },
  input: z.strictObject({
    token: TokenText,
    token_type_hint: z.string().max(64).optional(),
    reason: z.string().max(500).optional(),
  }),
  output: z.object({ revoked: z.literal(true) }),
  errors: ['conflict'],
  needs: ['metrics'],
  calls: { revokeToken },
  run: async ({ metrics, revokeToken }, { token, reason }) => {
    await revokeToken({ token, reason });
    metrics.count('perfect21_token_operations_total', { operation: 'revoke', result: 'success' });
    return { revoked: true as const };
  },
});
