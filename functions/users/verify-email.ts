import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove } from '../../shared/ports/store.ts';
import { passwordResetRequested } from './events.ts';
import { matchesToken, tokenId, userOfToken } from './one-time-token.ts';
import { credentials, identifiers, oneTimeTokens, users, userTerms } from './records.ts';
import { confirm } from './registration.ts';

/**
 * Uses up the verification tokens of an account: it becomes active. The same token a second time is refused.
 *
 * Who reads the mail need not be who chose the password: of an account that was registered with different ones none
 * is kept, and its owner gets a mail to set one.
 */
export const verifyEmail = operation({
  name: 'users.verify-email',
  summary: 'Makes a waiting account active',
  access: 'service',
  input: z.strictObject({ token: z.string() }),
  output: z.object({ user_id: z.string(), email: z.string() }),
  errors: ['invalid_token', 'conflict'],
  emits: [passwordResetRequested],
  reads: [oneTimeTokens, users, identifiers, credentials, userTerms],
  writes: [oneTimeTokens, users, identifiers, credentials, userTerms],
  needs: ['clock'],
  run: ({ store, clock }, { token }) =>
    retryConflict(async () => {
      const user_id = userOfToken(token);
      const record = user_id && (await store.get(oneTimeTokens, tokenId('verify-email', user_id)));
      const user = user_id && (await store.get(users, user_id));
      const matches = record && matchesToken(record, token, clock.now());
      const usable = matches && user && user.value.email === record.value.email;
      if (!usable || user.value.status !== 'pending_verification') throw new AppError('invalid_token');
      const active = { ...user.value, status: 'active' as const, verified: true };
      const writes = [remove(oneTimeTokens, record), ...(await confirm(store, user, active))];
      const { email, contested } = user.value;
      const asked = passwordResetRequested.with({ email, ip_address: '', user_agent: '' }, { user_id: user.id });
      await store.transact(writes, contested ? [asked] : []);
      return { user_id: user.id, email: user.value.email };
    }, 25),
});
