import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { createUser } from '../users/create-user.ts';
import { NewUser } from '../users/new-user.ts';
import { clientOf } from './model.ts';

/** Registers an account. A known address gets the same answer; its owner gets a mail instead. */
export const register = operation({
  name: 'auth.register',
  summary: 'Registers an account',
  http: { method: 'POST', path: '/api/v1/auth/register', status: 202 },
  access: 'public',
  bounds: { address: 60, process: 1_200 },
  input: NewUser,
  output: z.object({ status: z.literal('pending_verification') }),
  errors: ['password_refused'],
  needs: ['metrics'],
  calls: { createUser },
  run: async ({ metrics, createUser }, input, context) => {
    const { ip_address, user_agent } = clientOf(context);
    await createUser({ ...input, ip_address, user_agent });
    metrics.count('perfect21_auth_events_total', { event_type: 'register', result: 'success' });
    return { status: 'pending_verification' as const };
  },
});
