import * as z from 'zod';
import { operation } from '../../shared/operation.ts';
import { DeviceInfo, TokenText } from './model.ts';
import { toValidation, Validation } from './validation.ts';

/** Says whether an access token is valid now, and for whom. A bad token is an answer, not an error. */
export const validateToken = operation({
  name: 'auth.validate-token',
  summary: 'Says whether an access token is valid now, and for whom',
  http: { method: 'POST', path: '/api/v1/auth/validate' },
  rpc: { method: 'perfect21.auth.AuthService/ValidateToken' },
  access: 'public',
  input: z.strictObject({
    token: TokenText,
    client_ip: z.string().max(64).optional(),
    user_agent: z.string().max(512).optional(),
    device_info: DeviceInfo,
  }),
  output: Validation,
  needs: ['verifier', 'clock'],
  run: async ({ verifier, clock }, { token }) => toValidation(await verifier.verify(token), clock.now()),
});
