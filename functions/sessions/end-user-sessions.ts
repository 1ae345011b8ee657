import * as z from 'zod';
import { revocations as revocationRecords, toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import { operation } from '../../shared/operation.ts';
import { remove, type Stored, update, WriteConflict } from '../../shared/ports/store.ts';
import type { Revocation } from '../../shared/ports/tokens.ts';
import { retryConflict } from '../../shared/retry-conflict.ts';
import { END_REASONS, sessionRevoked } from './events.ts';
import { type SessionRecord, sessions } from './records.ts';

/**
 * Ends every session of a user that began before a token generation, perhaps sparing one.
 *
 * The generation decides, not the list: a session that the index does not show yet can't be refreshed either, and its
 * access tokens are dead with the revocation written first. Doing it twice changes nothing.
 */
export const endUserSessions = operation({
  name: 'sessions.end-user-sessions',
  summary: 'Ends the sessions of a user',
  access: 'service',
  input: z.strictObject({
    user_id: z.string(),
    generation: z.int(),
    except_session_id: z.string().optional(),
    reason: z.enum(END_REASONS),
  }),
  output: z.object({ ended: z.int() }),
  errors: ['conflict'],
  emits: [sessionRevoked],
  reads: [sessions],
  writes: [sessions, revocationRecords],
  needs: ['clock', 'metrics', 'revocations'],
  run: async ({ store, clock, metrics, revocations }, { user_id, generation, except_session_id, reason }) => {
    const revocation: Revocation = {
      kind: 'user',
      value: user_id,
      generation,
      ...(except_session_id && { except_sid: except_session_id }),
      error: reason === 'user_inactive' ? 'user_inactive' : 'session_ended',
      created_at: clock.now(),
    };
    try {
      await store.transact(
        [toRevocationWrite(revocation, String(generation))],
        [sessionRevoked.with({ user_id, except_session_id, reason }, { user_id })],
      );
    } catch (thrown) {
      // this generation was ended before; what is left of it is ended below
      if (!(thrown instanceof WriteConflict)) throw thrown;
    }
    revocations.learn(revocation);

    const settle = (session: Stored<SessionRecord>) =>
      session.id === except_session_id
        ? update(sessions, session, { ...session.value, generation })
        : remove(sessions, session);
    let ended = 0;
    if (except_session_id !== undefined) {
      await retryConflict(async () => {
        const spared = await store.get(sessions, except_session_id);
        const behind = spared && spared.value.user_id === user_id && spared.value.generation < generation;
        if (behind) await store.transact([settle(spared)]);
      });
    }
    let cursor: string | undefined;
    do {
      const page = await store.query(sessions, 'by_user', user_id, { limit: 100, cursor });
      for (const session of page.items) {
        if (session.id === except_session_id || session.value.generation >= generation) continue;
        try {
          await store.transact([settle(session)]);
          ended++;
        } catch (thrown) {
          // it was refreshed or ended meanwhile; its next refresh meets the generation
          if (!(thrown instanceof WriteConflict)) throw thrown;
        }
      }
      cursor = page.next_cursor;
    } while (cursor);
    metrics.count('perfect21_session_operations_total', { operation: 'end_all', result: reason });
    return { ended };
  },
});
