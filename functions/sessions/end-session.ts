import * as z from 'zod';
import { revocations as revocationRecords, toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import type { Revocation } from '../../shared/ports/revocations.ts';
import { remove } from '../../shared/ports/store.ts';
import { recommendedActions, securityAlert, userLogout } from '../auth/events.ts';
import { CAUSE_NAMES, CAUSES } from './causes.ts';
import { sessionRevoked } from './events.ts';
import { Client } from './model.ts';
import { sessions } from './records.ts';

/**
 * Ends one session: its record goes, its access tokens are revoked and the event tells, in one transaction. Ending one
 * that has ended changes nothing.
 */
export const endSession = operation({
  name: 'sessions.end-session',
  summary: 'Ends one session',
  access: 'service',
  input: z.strictObject({
    session_id: z.string(),
    user_id: z.string().meta({ description: 'Of whom it has to be' }),
    cause: z.enum(CAUSE_NAMES),
    client: Client.optional(),
  }),
  output: z.object({ ended: z.boolean() }),
  errors: ['conflict'],
  emits: [sessionRevoked, userLogout, securityAlert],
  reads: [sessions],
  writes: [sessions, revocationRecords],
  needs: ['clock', 'ids', 'metrics', 'revocations'],
  run: ({ store, clock, ids, metrics, revocations }, { session_id, user_id, cause, client }) =>
    retryConflict(async () => {
      const session = await store.get(sessions, session_id);
      if (!session || session.value.user_id !== user_id) return { ended: false };
      const { reason, error } = CAUSES[cause];
      const revocation: Revocation = {
        kind: 'sid',
        value: session_id,
        error,
        created_at: clock.now(),
      };
      const events = [
        sessionRevoked.with({ user_id, session_id, reason }, { user_id }),
        ...(cause === 'logout' ? [userLogout.with({ user_id, session_id }, { user_id })] : []),
        ...(cause === 'refresh_token_reused' ? [reuseAlert(user_id, session_id, client)] : []),
      ];
      await store.transact([remove(sessions, session), toRevocationWrite(revocation, ids.uuid())], events);
      revocations.learn(revocation);
      metrics.count('perfect21_session_operations_total', { operation: 'end', result: reason });
      return { ended: true };
    }),
});

const reuseAlert = (user_id: string, session_id: string, client: Client | undefined) =>
  securityAlert.with(
    {
      user_id,
      alert_type: 'refresh_token_reuse',
      severity: 'high',
      description: 'A spent refresh token was presented again; the session was ended',
      details: { session_id },
      ip_address: client?.ip_address ?? '',
      user_agent: client?.user_agent ?? '',
      recommended_actions: recommendedActions('high'),
    },
    { user_id },
  );
