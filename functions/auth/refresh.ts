import * as z from 'zod';
import { toAppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { rotateSession } from '../sessions/rotate-session.ts';
import { clientOf, DeviceInfo, Tokens, TokenText } from './model.ts';

/** Exchanges a refresh token for new tokens. The token used is spent; using a spent one again ends the session. */
export const refresh = operation({
  name: 'auth.refresh',
  summary: 'Exchanges a refresh token for new tokens',
  http: { method: 'POST', path: '/api/v1/auth/refresh' },
  rpc: {
    method: 'perfect21.auth.AuthService/RefreshToken',
    response: ({ access_token, refresh_token, expires_at }) => ({ access_token, refresh_token, expires_at }),
    failure: (code) => (code === 'invalid_refresh_token' ? { error_message: code } : undefined),
  },
  access: 'public',
  bounds: { address: 600 },
  input: z.strictObject({
    refresh_token: TokenText,
    client_ip: z.string().max(64).optional(),
    user_agent: z.string().max(512).optional(),
    device_info: DeviceInfo,
  }),
  output: Tokens.extend({ expires_at: z.int().meta({ description: 'Unix seconds' }) }),
  errors: ['invalid_refresh_token', 'conflict'],
  needs: ['clock', 'metrics'],
  calls: { rotateSession },
  audit: 'events',
  run: async ({ clock, metrics, rotateSession }, { refresh_token, ...said }, context) => {
    const client = clientOf(context, said);
    const tokens = await rotateSession({ refresh_token, client }).catch((thrown) => {
      metrics.count('perfect21_token_operations_total', { operation: 'refresh', result: toAppError(thrown).code });
      throw thrown;
    });
    metrics.count('perfect21_token_operations_total', { operation: 'refresh', result: 'success' });
    return { ...tokens, expires_at: Math.floor(clock.now() / 1000) + tokens.expires_in };
  },
});
