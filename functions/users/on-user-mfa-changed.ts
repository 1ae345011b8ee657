import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { userMfaDisabled, userMfaEnabled } from '../auth/events.ts';
import { noteFactors } from './note-factors.ts';

/** Makes sure that an account shows its second factor, also if the process that changed it died in between. */
export const onUserMfaChanged = operation({
  name: 'users.on-user-mfa-changed',
  summary: 'Notes that an account has a second factor, or none any more',
  subscription: {
    queue: 'user-service.factors',
    bindings: [userMfaEnabled.key, userMfaDisabled.key],
    types: [userMfaEnabled.type, userMfaDisabled.type],
  },
  access: 'service',
  input: z.union([envelopeOf(userMfaEnabled), envelopeOf(userMfaDisabled)]),
  output: z.object({}),
  errors: ['conflict'],
  calls: { noteFactors },
  run: async ({ noteFactors }, { message_type, timestamp, data }) => {
    const { user_id, except_session_id, changed_at = timestamp } = data;
    const mfa_enabled = message_type === userMfaEnabled.type;
    await noteFactors({ user_id, mfa_enabled, changed_at: Date.parse(changed_at), except_session_id });
    return {};
  },
});
