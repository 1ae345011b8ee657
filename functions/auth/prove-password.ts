import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { checkPassword } from '../users/check-password.ts';
import { Password } from '../users/model.ts';
import { ATTEMPT_PORTS, clearAttempts, countAttempt, countFailure } from './attempts.ts';
import { loginAttempts } from './records.ts';

/** Asks somebody who is logged in for the password again. Whoever holds a stolen token may not guess it here instead. */
export const provePassword = operation({
  name: 'auth.prove-password',
  summary: 'Proves that a user who is logged in knows the password',
  access: 'service',
  input: z.strictObject({ user_id: z.string(), session_id: z.string(), password: Password }),
  output: z.object({}),
  errors: ['invalid_credentials'],
  reads: [loginAttempts],
  writes: [loginAttempts],
  needs: ATTEMPT_PORTS,
  calls: { checkPassword },
  run: async ({ checkPassword, ...given }, { user_id, session_id, password }, context) => {
    const guesser = { account: user_id, known: session_id, ip_address: context.client.ip ?? '' };
    const attempt = await countAttempt(given, guesser);
    if (attempt.throttled) {
      throw new AppError('too_many_requests', { retry_after: (attempt.until - given.clock.now()) / 1000 });
    }
    const { matches } = await checkPassword({ user_id, password });
    if (!matches) {
      await countFailure(given, guesser);
      throw new AppError('invalid_credentials');
    }
    await clearAttempts(given, guesser);
    return {};
  },
});
