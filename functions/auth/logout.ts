import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { endSession } from '../sessions/end-session.ts';

/** Ends the session of the access token that asks. */
export const logout = operation({
  name: 'auth.logout',
  summary: 'Logs out',
  http: { method: 'POST', path: '/api/v1/auth/logout', status: 204 },
  access: 'user',
  input: z.strictObject({}),
  output: z.object({}),
  errors: ['conflict'],
  needs: ['metrics'],
  calls: { endSession },
  run: async ({ metrics, endSession }, _, { caller }) => {
    if (caller.kind !== 'user') return {};
    await endSession({ session_id: caller.session_id, user_id: caller.user_id, cause: 'logout' });
    metrics.count('perfect21_auth_events_total', { event_type: 'logout', result: 'success' });
    return {};
  },
});
