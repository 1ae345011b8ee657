import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { userPasswordChanged, userSessionsEnded, userStatusChanged } from '../users/events.ts';
import { raiseGeneration } from '../users/raise-generation.ts';
import { CAUSES } from './causes.ts';
import { endUserSessions } from './end-user-sessions.ts';

/** The next generation of an account; undefined when there is no such account. */
const raised = async (
  raise: (input: { user_id: string; spared_session_id?: string }) => Promise<{ generation: number }>,
  user_id: string,
  spared_session_id: string | undefined,
): Promise<number | undefined> => {
  try {
    return (await raise({ user_id, spared_session_id })).generation;
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
};

const PASSWORD_CAUSES = { changed: 'password_changed', reset: 'password_reset' } as const;

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
  calls: { endUserSessions, raiseGeneration },
  run: async ({ endUserSessions, raiseGeneration }, { data }) => {
    const { user_id } = data;
    if ('new_status' in data) {
      const { new_status, generation } = data;
      const { reason } = CAUSES.status_changed;
      if (new_status !== 'active') await endUserSessions({ user_id, generation, reason });
      return {};
    }
    const { except_session_id } = data;
    const cause = 'how' in data ? PASSWORD_CAUSES[data.how] : (data.cause ?? 'administrator');
    const { reason } = CAUSES[cause];
    // another system changed the password, and keeps no count: all that was begun until now is former
    const generation = data.generation || (await raised(raiseGeneration, user_id, except_session_id));
    if (generation) await endUserSessions({ user_id, generation, except_session_id, reason });
    return {};
  },
});
