import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { createSession } from '../sessions/create-session.ts';
import { Password } from '../users/model.ts';
import { checkLogin } from './check-login.ts';
import { clientOf, DeviceInfo, Tokens } from './model.ts';

/** Logs in with an e-mail address or user name and a password; begins a session. */
export const login = operation({
  name: 'auth.login',
  summary: 'Logs in',
  http: { method: 'POST', path: '/api/v1/auth/login' },
  access: 'public',
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
    const { account } = await checkLogin({ identifier, password, ip_address, user_agent });
    // an account with a second factor needs a door that asks for it
    if (!account || account.mfa_enabled) throw new AppError('invalid_credentials');
    const { user_id, email, generation } = account;
    return createSession({ user_id, email, generation, mfa_used: false, client });
  },
});
