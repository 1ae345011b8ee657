import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { verifyEmail as verifyAccount } from '../users/verify-email.ts';

/** Verifies an address with the token from the mail; the account can log in from then on. */
export const verifyEmail = operation({
  name: 'auth.verify-email',
  summary: 'Verifies an e-mail address',
  http: { method: 'POST', path: '/api/v1/auth/verify-email' },
  access: 'public',
  bounds: { address: 120 },
  input: z.strictObject({ token: z.string().max(256) }),
  output: z.object({ user_id: z.string(), email: z.string() }),
  errors: ['invalid_token', 'conflict'],
  needs: ['metrics'],
  calls: { verifyAccount },
  run: async ({ metrics, verifyAccount }, input) => {
    const verified = await verifyAccount(input);
    metrics.count('perfect21_auth_events_total', { event_type: 'verify_email', result: 'success' });
    return verified;
  },
});
