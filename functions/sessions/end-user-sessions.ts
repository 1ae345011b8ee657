import * as z from 'zod';
import { revocations as revocationRecords, toRevocationWrite } from '../../shared/keys/revocation-records.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import type { Revocation } from '../../shared/ports/revocations.ts';
import { remove, type Stored, update, WriteConflict } from '../../shared/ports/store.ts';
import { CAUSE_NAMES, CAUSES } from './causes.ts';
import { sessionRevoked } from './events.ts';
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
    cause: z.enum(CAUSE_NAMES),
  }),
  output: z.object({ ended: z.int() }),
  errors: ['conflict'],
  emits: [sessionRevoked],
  reads: [sessions],
  queries: ['sessions.by_user'],
  writes: [sessions, revocationRecords],
  needs: ['clock', 'metrics', 'revocations'],
  run: async ({ store, clock, metrics, revocations }, { user_id, generation, except_session_id, cause }) => {
    const { reason, error } = CAUSES[cause];
    const revocation: Revocation = {
      kind: 'user',
      value: user_id,
      generation,
      ...(except_session_id && { except_sid: except_session_id }),
      error,
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

    const isFormer = (session: Stored<SessionRecord> | undefined): session is Stored<SessionRecord> =>
      session !== undefined && session.value.user_id === user_id && session.value.generation < generation;
    if (except_session_id !== undefined) {
      await retryConflict(async () => {
        const spared = await store.get(sessions, except_session_id);
        if (isFormer(spared)) await store.transact([update(sessions, spared, { ...spared.value, generation })]);
      });
    }
    let ended = 0;
    let cursor: string | undefined;
    do {
      const page = await store.query(sessions, 'by_user', user_id, { limit: 100, cursor });
      for (const { id } of page.items.filter(isFormer)) {
        if (id === except_session_id) continue;
        await retryConflict(async () => {
          // one that was refreshed meanwhile, or spared by an earlier generation, may be a former one all the same
          const session = await store.get(sessions, id);
          if (!isFormer(session)) return;
          await store.transact([remove(sessions, session)]);
          ended++;
        });
      }
      cursor = page.next_cursor;
    } while (cursor);
    metrics.count('perfect21_session_operations_total', { operation: 'end_all', result: reason });
    return { ended };
  },
});
