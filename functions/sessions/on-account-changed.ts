import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { type OperationStore, operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { remove } from '../../shared/ports/store.ts';
import { userPasswordChanged, userSessionsEnded, userStatusChanged } from '../users/events.ts';
import { raiseGeneration } from '../users/raise-generation.ts';
import { endUserSessions } from './end-user-sessions.ts';
import { logins } from './records.ts';

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

const forget = (store: OperationStore<'logins', 'logins', never>, user_id: string): Promise<void> =>
  retryConflict(async () => {
    const held = await store.get(logins, user_id);
    if (held) await store.transact([remove(logins, held)]);
  });

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
  reads: [logins],
  writes: [logins],
  calls: { endUserSessions, raiseGeneration },
  run: async ({ store, endUserSessions, raiseGeneration }, { data }) => {
    const { user_id } = data;
    if ('new_status' in data) {
      const { new_status, generation } = data;
      const cause = new_status === 'deleted' ? ('account_deleted' as const) : ('status_changed' as const);
      if (new_status !== 'active') await endUserSessions({ user_id, generation, cause });
      // how somebody logged in stays with an account that may come back
      if (new_status === 'deleted') await forget(store, user_id);
      return {};
    }
    const { except_session_id } = data;
    const cause = 'how' in data ? PASSWORD_CAUSES[data.how] : (data.cause ?? 'administrator');
    // another system changed the password, and keeps no count: all that was begun until now is former
    const generation = data.generation || (await raised(raiseGeneration, user_id, except_session_id));
    if (generation) await endUserSessions({ user_id, generation, except_session_id, cause });
    return {};
  },
});
