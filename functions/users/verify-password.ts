import * as z from 'zod';
import { counterKey } from '../../shared/kit/counter-key.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { Password } from './model.ts';
import { credentials, requestCounts, users } from './records.ts';

const HOUR_MS = 3_600_000;
/** No service has to ask about one user more often; whoever holds its token may not guess passwords with it. */
const PER_HOUR = 60;

/** Says whether a password is the user's. For services that ask for it again before something grave; it begins no session. */
export const verifyPassword = operation({
  name: 'users.verify-password',
  summary: "Says whether a password is the user's",
  http: { method: 'POST', path: '/api/v1/users/{user_id}/verify-password' },
  rpc: { method: 'perfect21.user.UserService/VerifyPassword' },
  access: 'service',
  input: z.strictObject({ user_id: z.string().min(1).max(128), password: Password }),
  output: z.object({
    valid: z.boolean(),
    error_message: z.string().meta({ description: '`user_inactive` for an account that may not log in; else empty' }),
  }),
  errors: ['not_found'],
  reads: [users, credentials],
  writes: [requestCounts],
  needs: ['clock', 'passwords', 'secrets', 'settings'],
  run: async ({ store, clock, passwords, secrets, settings }, { user_id, password }) => {
    const hour = { expires_at: clock.now() + HOUR_MS };
    const asked = await store.increment(requestCounts, counterKey(secrets, 'verify-password', user_id), hour);
    if (asked > PER_HOUR * settings.rate_limits) {
      throw new AppError('too_many_requests', { retry_after: HOUR_MS / 1_000 });
    }
    const [user, secret] = await Promise.all([store.get(users, user_id), store.get(credentials, user_id)]);
    if (!user || user.value.status === 'deleted') throw new AppError('not_found', { detail: 'No user has this id' });
    const matches = await passwords.verify(password, secret?.value.password_hash);
    const active = user.value.status === 'active';
    return { valid: matches && active, error_message: active ? '' : 'user_inactive' };
  },
});
