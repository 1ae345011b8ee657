import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { userPasswordChanged } from './events.ts';
import { Password } from './model.ts';
import { requireGoodPassword } from './password-rule.ts';
import { credentials, oneTimeTokens, users } from './records.ts';
import { setPassword } from './set-password.ts';

/** Replaces a password for somebody who knows the current one; the next generation spares one session. */
export const changePassword = operation({
  name: 'users.change-password',
  summary: 'Replaces a password by its owner',
  access: 'service',
  input: z.strictObject({
    user_id: z.string(),
    current_password: Password,
    new_password: Password,
    except_session_id: z.string().optional(),
    ip_address: z.string(),
    user_agent: z.string(),
  }),
  output: z.object({ generation: z.int() }),
  errors: ['invalid_credentials', 'password_refused', 'not_found', 'conflict'],
  emits: [userPasswordChanged],
  reads: [users, credentials, oneTimeTokens],
  writes: [users, credentials, oneTimeTokens],
  needs: ['clock', 'passwords', 'settings'],
  run: async ({ store, clock, passwords, settings }, { user_id, current_password, new_password, ...origin }) => {
    const [owner, secret] = await Promise.all([store.get(users, user_id), store.get(credentials, user_id)]);
    if (!owner) throw new AppError('not_found');
    if (!(await passwords.verify(current_password, secret?.value.password_hash)))
      throw new AppError('invalid_credentials');
    await requireGoodPassword(new_password, settings, owner.value, 'new_password');
    const password_hash = await passwords.hash(new_password);
    return retryConflict(async () => {
      const user = await store.get(users, user_id);
      if (!user) throw new AppError('not_found');
      // a change or reset that came in between has made the password just checked a former one
      if (user.value.generation !== owner.value.generation) throw new AppError('conflict');
      return setPassword(store, user, { password_hash, changed_at: clock.now(), how: 'changed', ...origin });
    });
  },
});
