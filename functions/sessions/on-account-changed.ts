import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { userPasswordChanged, userSessionsEnded, userStatusChanged } from '../users/events.ts';
import { endUserSessions } from './end-user-sessions.ts';

/** Makes sure that sessions end when a password or a status changed or somebody ended them, also if the process that changed it died in between. */
export const onAccountChanged = operation({
  name: 'sessions.on-account-changed',
  summary: 'Ends sessions after an account changed',
  subscription: {
    queue: 'session-service.account_changes',
    bindings: [userPasswordChanged.key, userStatusChanged.key, userSessionsEnded.key],
    types: [userPasswordChanged.type, userStatusChanged.type, userSessionsEnded.type],
  },
  access: 'service',
  input: z.union([envelopeOf(userPasswordChanged), envelopeOf(userStatusChanged), envelopeOf(userSessionsEnded)]),
  output: z.object({}),
  errors: ['conflict'],
  calls: { endUserSessions },
  run: async ({ endUserSessions }, { data }) => {
    const { user_id, generation } = data;
    if ('new_status' in data) {
      if (data.new_status !== 'active') await endUserSessions({ user_id, generation, reason: 'user_inactive' });
      return {};
    }
    const { except_session_id } = data;
    const reason = 'how' in data ? ('password_changed' as const) : ('revoked' as const);
    await endUserSessions({ user_id, generation, except_session_id, reason });
    return {};
  },
});
