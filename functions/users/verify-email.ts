import * as z from 'zod';
import { AppError } from '../../shared/errors.ts';
import { operation } from '../../shared/operation.ts';
import { remove, update } from '../../shared/ports/store.ts';
import { retryConflict } from '../../shared/retry-conflict.ts';
import { matchesToken, tokenId, userOfToken } from './one-time-token.ts';
import { oneTimeTokens, users } from './records.ts';

/** Uses up a verification token: the account becomes active. The same token a second time is refused. */
export const verifyEmail = operation({
  name: 'users.verify-email',
  summary: 'Makes a waiting account active',
  access: 'service',
  input: z.strictObject({ token: z.string() }),
  output: z.object({ user_id: z.string(), email: z.string() }),
  errors: ['invalid_token', 'conflict'],
  reads: [oneTimeTokens, users],
  writes: [oneTimeTokens, users],
  run: ({ store }, { token }) =>
    retryConflict(async () => {
      const user_id = userOfToken(token);
      const record = user_id && (await store.get(oneTimeTokens, tokenId('verify-email', user_id)));
      const user = user_id && (await store.get(users, user_id));
      const usable = record && user && matchesToken(record.value, token) && user.value.email === record.value.email;
      if (!usable || user.value.status !== 'pending_verification') throw new AppError('invalid_token');
      await store.transact([remove(oneTimeTokens, record), update(users, user, { ...user.value, status: 'active' })]);
      return { user_id: user.id, email: user.value.email };
    }),
});
