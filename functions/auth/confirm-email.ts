import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { confirmEmail as confirmAddress } from '../users/confirm-email.ts';
import { clientOf } from './model.ts';

/** Changes the address of an account with the token that was mailed to the new one; the old one is told, with a way back. */
export const confirmEmail = operation({
  name: 'auth.confirm-email',
  summary: 'Confirms the new e-mail address of an account',
  http: { method: 'POST', path: '/api/v1/auth/email/confirm' },
  access: 'public',
  bounds: { address: 60 },
  input: z.strictObject({ token: z.string().max(256) }),
  output: z.object({ user_id: z.string(), email: z.string() }),
  errors: ['invalid_token', 'already_exists', 'conflict'],
  needs: ['metrics'],
  calls: { confirmAddress },
  run: async ({ metrics, confirmAddress }, { token }, context) => {
    const { ip_address, user_agent } = clientOf(context);
    const changed = await confirmAddress({ token, ip_address, user_agent });
    metrics.count('perfect21_auth_events_total', { event_type: 'email_change', result: 'success' });
    return changed;
  },
});
