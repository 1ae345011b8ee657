import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { userPasswordChanged } from './events.ts';
import { Password } from './model.ts';
import { matchesToken, tokenId, userOfToken } from './one-time-token.ts';
import { requireGoodPassword } from './password-rule.ts';
import { credentials, oneTimeTokens, users } from './records.ts';
import { setPassword } from './set-password.ts';

/** Sets a new password for somebody who reads the account's mail; uses the token up and ends every session. */
export const resetPassword = operation({
  name: 'users.reset-password',
  summary: 'Sets a new password with a token from a mail',
  access: 'service',
  input: z.strictObject({ token: z.string(), new_password: Password, ip_address: z.string(), user_agent: z.string() }),
  output: z.object({ user_id: z.string(), generation: z.int() }),
  errors: ['invalid_token', 'password_refused', 'conflict'],
  emits: [userPasswordChanged],
  reads: [users, credentials, oneTimeTokens],
  writes: [users, credentials, oneTimeTokens],
  needs: ['clock', 'passwords', 'settings'],
  run: async ({ store, clock, passwords, settings }, { token, new_password, ...origin }) => {
    const owner = async () => {
      const user_id = userOfToken(token);
      const record = user_id && (await store.get(oneTimeTokens, tokenId('reset-password', user_id)));
      const user = user_id && (await store.get(users, user_id));
      const usable = record && user && matchesToken(record, token, clock.now());
      // a token made before the last change of the account does not outlive it
      if (!usable || record.value.generation !== user.value.generation) throw new AppError('invalid_token');
      return { user, record };
    };
    await requireGoodPassword(new_password, settings, (await owner()).user.value, 'new_password');
    const password_hash = await passwords.hash(new_password);
    return retryConflict(async () => {
      // read again: of two uses of one token at once, the second finds it gone
      const { user, record } = await owner();
      const change = { password_hash, changed_at: clock.now(), how: 'reset' as const, ...origin };
      const { generation } = await setPassword(store, user, change, record);
      return { user_id: user.id, generation };
    });
  },
});
