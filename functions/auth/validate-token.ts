import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { DeviceInfo, TokenText } from './model.ts';
import { countVerdict, toValidation, Validation } from './validation.ts';

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
  needs: ['verifier', 'clock', 'metrics'],
  run: async ({ verifier, clock, metrics }, { token }) => {
    const verdict = await verifier.verify(token);
    countVerdict(metrics, verdict);
    return toValidation(verdict, clock.now());
  },
});
