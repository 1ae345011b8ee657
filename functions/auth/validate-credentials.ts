import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { Password } from '../users/model.ts';
import { checkLogin } from './check-login.ts';
import { clientOf, DeviceInfo } from './model.ts';

/** Says whether an identifier and password are right, without beginning a session; counts as a login try. */
export const validateCredentials = operation({
  name: 'auth.validate-credentials',
  summary: 'Says whether an identifier and password are right',
  http: { method: 'POST', path: '/api/v1/auth/credentials/validate' },
  rpc: { method: 'perfect21.auth.AuthService/ValidateCredentials' },
  access: 'service',
  input: z.strictObject({
    identifier: z.string().min(1).max(320),
    password: Password,
    client_ip: z.string().max(64).optional(),
    user_agent: z.string().max(512).optional(),
    mfa_code: z.string().max(64).optional(),
    device_info: DeviceInfo,
  }),
  output: z.object({
    valid: z.boolean(),
    user_id: z.string(),
    mfa_required: z.boolean(),
    error_message: z.string(),
    warnings: z.array(z.string()),
  }),
  calls: { checkLogin },
  run: async ({ checkLogin }, { identifier, password, ...said }, context) => {
    const { ip_address, user_agent } = clientOf(context, said);
    const device = said.device_info?.device_token;
    const { account } = await checkLogin({ identifier, password, ip_address, user_agent, device });
    return {
      valid: account !== undefined,
      user_id: account?.user_id ?? '',
      mfa_required: account?.mfa_enabled ?? false,
      error_message: account ? '' : 'invalid_credentials',
      warnings: [],
    };
  },
});
