import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { Email } from '../users/model.ts';
import { requestPasswordReset } from '../users/request-password-reset.ts';
import { clientOf } from './model.ts';

/** Asks for a mail with a link to set a new password. The answer is the same for an address that nobody has. */
export const forgotPassword = operation({
  name: 'auth.forgot-password',
  summary: 'Asks for a mail to set a new password',
  http: { method: 'POST', path: '/api/v1/auth/password/forgot', status: 202 },
  access: 'public',
  bounds: { address: 30, process: 600 },
  input: z.strictObject({ email: Email }),
  output: z.object({ status: z.literal('accepted') }),
  needs: ['metrics'],
  calls: { requestPasswordReset },
  run: async ({ metrics, requestPasswordReset }, { email }, context) => {
    const { ip_address, user_agent } = clientOf(context);
    await requestPasswordReset({ email, ip_address, user_agent });
    metrics.count('perfect21_auth_events_total', { event_type: 'password_forgot', result: 'success' });
    return { status: 'accepted' as const };
  },
});
