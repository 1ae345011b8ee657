import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { createSession } from '../sessions/create-session.ts';
import { Password } from '../users/model.ts';
import { checkLogin } from './check-login.ts';
import { clientOf, DeviceInfo, Tokens } from './model.ts';

/**
 * Logs in with an e-mail address or user name and a password; begins a session.
 *
 * The device is known from then on, by a cookie or the header `x-device-token` (also taken as `device_info.device_token`):
 * its tries have a count of their own, so that strangers who guess don't keep it out.
 */
export const login = operation({
  name: 'auth.login',
  summary: 'Logs in',
  http: { method: 'POST', path: '/api/v1/auth/login' },
  access: 'public',
  bounds: { address: 120, process: 6_000 },
  input: z.strictObject({
    identifier: z.string().min(1).max(320).meta({ description: 'E-mail address or user name' }),
    password: Password,
    mfa_code: z.string().max(64).optional(),
    device_info: DeviceInfo,
  }),
  output: Tokens,
  errors: ['invalid_credentials'],
  calls: { checkLogin, createSession },
  run: async ({ checkLogin, createSession }, { identifier, password, device_info }, context) => {
    const client = clientOf(context, { device_info });
    const { ip_address, user_agent } = client;
    const known = device_info?.device_token ?? context.client.device;
    const { account, device } = await checkLogin({ identifier, password, ip_address, user_agent, device: known });
    // an account with a second factor needs a door that asks for it
    if (!account || account.mfa_enabled) throw new AppError('invalid_credentials');
    const { user_id, email, generation } = account;
    const { device_token: _, ...said } = device_info ?? {};
    const session = { user_id, email, generation, mfa_used: false, client: { ...client, device_info: said } };
    const tokens = await createSession(session);
    if (context.gives && device) context.gives.device = device;
    return tokens;
  },
});
