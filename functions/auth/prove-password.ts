import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { checkPassword } from '../users/check-password.ts';
import { Password } from '../users/model.ts';
import { clearAttempts, countAttempt, countFailure } from './attempts.ts';
import { loginAttempts } from './records.ts';

/** Asks somebody who is logged in for the password again. Whoever holds a stolen token may not guess it here instead. */
export const provePassword = operation({
  name: 'auth.prove-password',
  summary: 'Proves that a user who is logged in knows the password',
  access: 'service',
  input: z.strictObject({ user_id: z.string(), password: Password }),
  output: z.object({}),
  errors: ['invalid_credentials'],
  reads: [loginAttempts],
  writes: [loginAttempts],
  needs: ['clock', 'settings'],
  calls: { checkPassword },
  run: async ({ store, clock, settings, checkPassword }, { user_id, password }) => {
    const attempt = await countAttempt(store, settings, clock.now(), user_id);
    if (attempt.throttled) {
      throw new AppError('too_many_requests', { retry_after: (attempt.until - clock.now()) / 1000 });
    }
    const { matches } = await checkPassword({ user_id, password });
    if (!matches) {
      await countFailure(store, clock.now(), user_id);
      throw new AppError('invalid_credentials');
    }
    await clearAttempts(store, user_id);
    return {};
  },
});
