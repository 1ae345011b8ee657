import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { check, insert, update } from '../../shared/ports/store.ts';
import { HISTORY_MS } from './login-history.ts';
import { loginHistory, users } from './records.ts';

/** Adds a login, or the try of one, that another service saw to the user's history. */
export const recordLogin = operation({
  name: 'users.record-login',
  summary: "Adds a row to a user's login history",
  http: { method: 'POST', path: '/api/v1/users/{user_id}/login-history', status: 201 },
  rpc: {
    method: 'perfect21.user.UserService/RecordLoginHistory',
    response: ({ record_id }) => ({ record_id, error_message: '' }),
  },
  access: 'service',
  input: z.strictObject({
    user_id: z.string().min(1).max(128),
    ip_address: z.string().max(64).default(''),
    user_agent: z.string().max(512).default(''),
    login_successful: z.boolean().default(false),
    failure_reason: z.string().max(100).optional(),
    location: z
      .record(z.string().max(64), z.string().max(200))
      .refine((location) => Object.keys(location).length <= 20, 'At most 20 entries')
      .optional(),
    mfa_used: z.boolean().default(false),
    risk_score: z.number().min(0).max(1).optional(),
  }),
  output: z.object({ record_id: z.string() }),
  errors: ['not_found', 'conflict'],
  reads: [users],
  writes: [users, loginHistory],
  needs: ['clock', 'ids'],
  run: ({ store, clock, ids }, { user_id, ...seen }) =>
    retryConflict(async () => {
      const user = await store.get(users, user_id);
      if (!user || user.value.status === 'deleted') throw new AppError('not_found', { detail: 'No user has this id' });
      const at = Math.floor(clock.now() / 1_000);
      const record_id = ids.uuid();
      const newer = seen.login_successful && (user.value.last_login_at ?? 0) < at;
      await store.transact([
        insert(loginHistory, record_id, { user_id, at, ...seen }, { expires_at: clock.now() + HISTORY_MS }),
        newer ? update(users, user, { ...user.value, last_login_at: at }) : check(users, user),
      ]);
      return { record_id };
    }),
});
