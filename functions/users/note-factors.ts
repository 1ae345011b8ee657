import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { update } from '../../shared/ports/store.ts';
import { userSessionsEnded } from './events.ts';
import { users } from './records.ts';

/**
 * Notes whether an account has a second factor, and makes its sessions former ones except the one that changed it. What is
 * not newer than what is noted changes nothing, so that it may be told twice and in any order.
 */
export const noteFactors = operation({
  name: 'users.note-factors',
  summary: 'Notes whether an account has a second factor',
  access: 'service',
  input: z.strictObject({
    user_id: z.string(),
    mfa_enabled: z.boolean(),
    changed_at: z.int().meta({ description: 'Unix ms' }),
    except_session_id: z.string().optional(),
  }),
  output: z.object({ generation: z.int().optional().meta({ description: 'Left out where nothing changed' }) }),
  errors: ['conflict'],
  emits: [userSessionsEnded],
  reads: [users],
  writes: [users],
  run: ({ store }, { user_id, mfa_enabled, changed_at, except_session_id }) =>
    retryConflict(async () => {
      const user = await store.get(users, user_id);
      if (!user || user.value.status === 'deleted' || (user.value.mfa_changed_at ?? 0) >= changed_at) return {};
      const generation = user.value.generation + 1;
      const value = { ...user.value, mfa_enabled, mfa_changed_at: changed_at, generation };
      const cause = mfa_enabled ? ('factor_enabled' as const) : ('factor_removed' as const);
      await store.transact(
        [update(users, user, { ...value, spared_session_id: except_session_id })],
        [userSessionsEnded.with({ user_id, generation, except_session_id, cause }, { user_id })],
      );
      return { generation };
    }),
});
