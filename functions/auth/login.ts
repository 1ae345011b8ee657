import * as z from 'zod';
import { AppError, toAppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { createSession } from '../sessions/create-session.ts';
import { getAccount } from '../users/get-account.ts';
import { Password } from '../users/model.ts';
import { checkLogin } from './check-login.ts';
import { Code, CodeWanted, clientOf, DeviceInfo, Tokens } from './model.ts';
import { STEP_EVENTS, STEP_PORTS, secondStep, sessionOf } from './second-step.ts';
import { CODE_READS, CODE_WRITES } from './take-code.ts';

/**
 * Logs in with an e-mail address or user name and a password; begins a session.
 *
 * An account with a second factor needs a code as well: in `mfa_code` at once, or in a second step with the `mfa_token`
 * that is answered without it.
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
    mfa_code: Code.optional(),
    device_info: DeviceInfo,
  }),
  output: z.union([Tokens, CodeWanted]),
  errors: ['invalid_credentials', 'invalid_mfa_code', 'conflict'],
  emits: STEP_EVENTS,
  reads: CODE_READS,
  writes: CODE_WRITES,
  needs: STEP_PORTS,
  calls: { checkLogin, createSession, getAccount },
  run: async ({ checkLogin, createSession, ...given }, { identifier, password, mfa_code, ...input }, context) => {
    const { ip_address, user_agent, place } = clientOf(context);
    const { device_token, ...device_info } = input.device_info ?? {};
    const device = device_token ?? context.client.device;
    const client = { ip_address, user_agent };
    const checked = await checkLogin({ identifier, password, ...client, device, device_info });
    if (checked.account) {
      const session = { ...checked.account, amr: ['pwd' as const], client: { ...client, place, device_info } };
      const tokens = await createSession(session);
      if (context.gives && checked.device) context.gives.device = checked.device;
      return tokens;
    }
    if (!checked.wanted) throw new AppError('invalid_credentials');
    if (mfa_code === undefined) return checked.wanted;
    const { mfa_token } = checked.wanted;
    const step = await secondStep(given, { mfa_token, code: mfa_code }, client).catch((thrown) => {
      // the account changed between the two
      throw toAppError(thrown).code === 'invalid_mfa_token' ? new AppError('invalid_credentials') : thrown;
    });
    return sessionOf(given, createSession, step, { ...client, place }, context);
  },
});
