import * as z from 'zod';
import { toAppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { getAccount } from '../users/get-account.ts';
import { Password } from '../users/model.ts';
import { checkLogin } from './check-login.ts';
import { clientOf, DeviceInfo } from './model.ts';
import { STEP_EVENTS, STEP_PORTS, secondStep } from './second-step.ts';
import { CODE_READS, CODE_WRITES } from './take-code.ts';

/** What of a second step is an answer here. */
const WRONG_CODE = ['invalid_mfa_code', 'invalid_mfa_token'];

/**
 * Says whether an identifier and password are right, without beginning a session; counts as a login try. Of an account
 * with a second factor they alone are not valid: `mfa_required` then says that a code is missing or wrong.
 */
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
    user_id: z.string().meta({ description: 'Empty where they are not valid' }),
    mfa_required: z.boolean().meta({ description: 'The account has a second factor' }),
    error_message: z
      .string()
      .meta({ description: '`invalid_credentials`, `mfa_required` (a code is missing), `invalid_mfa_code`' }),
    warnings: z.array(z.string()),
  }),
  errors: ['conflict'],
  emits: STEP_EVENTS,
  reads: CODE_READS,
  writes: CODE_WRITES,
  needs: STEP_PORTS,
  calls: { checkLogin, getAccount },
  run: async ({ checkLogin, ...given }, { identifier, password, mfa_code, ...said }, context) => {
    const { ip_address, user_agent } = clientOf(context, said);
    const client = { ip_address, user_agent };
    const device = said.device_info?.device_token;
    const { account, wanted } = await checkLogin({ identifier, password, ...client, device });
    const refused = { valid: false, user_id: '', warnings: [] };
    if (account) return { ...refused, valid: true, user_id: account.user_id, mfa_required: false, error_message: '' };
    if (!wanted) return { ...refused, mfa_required: false, error_message: 'invalid_credentials' };
    // an empty field of a proto message is one that was left out
    if (!mfa_code) return { ...refused, mfa_required: true, error_message: 'mfa_required' };
    try {
      const { login } = await secondStep(given, { mfa_token: wanted.mfa_token, code: mfa_code }, client);
      return { ...refused, valid: true, user_id: login.user_id, mfa_required: true, error_message: '' };
    } catch (thrown) {
      if (!WRONG_CODE.includes(toAppError(thrown).code)) throw thrown;
      return { ...refused, mfa_required: true, error_message: 'invalid_mfa_code' };
    }
  },
});
