import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { promptly } from '../../shared/kit/promptly.ts';
import { endUserSessions } from '../sessions/end-user-sessions.ts';
import { undoEmail as undoChange } from '../users/undo-email.ts';
import { clientOf } from './model.ts';

/** Takes the change of an address back with the token that was mailed to the one before, for 72 hours; every session ends. */
export const undoEmail = operation({
  name: 'auth.undo-email',
  summary: 'Takes the change of an e-mail address back',
  http: { method: 'POST', path: '/api/v1/auth/email/undo' },
  access: 'public',
  bounds: { address: 60 },
  input: z.strictObject({ token: z.string().max(256) }),
  output: z.object({ user_id: z.string(), email: z.string() }),
  errors: ['invalid_token', 'conflict'],
  needs: ['log', 'metrics'],
  calls: { undoChange, endUserSessions },
  run: async ({ log, metrics, undoChange, endUserSessions }, { token }, context) => {
    const { ip_address, user_agent } = clientOf(context);
    const { user_id, email, generation } = await undoChange({ token, ip_address, user_agent });
    await promptly(log, 'end the sessions', endUserSessions({ user_id, generation, cause: 'email_change_undone' }));
    metrics.count('perfect21_auth_events_total', { event_type: 'email_undo', result: 'success' });
    return { user_id, email };
  },
});
