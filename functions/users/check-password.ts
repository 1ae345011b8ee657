import * as z from 'zod';
import { operation } from '../../shared/kit/operation.ts';
import { update } from '../../shared/ports/store.ts';
import { Password } from './model.ts';
import { credentials, users } from './records.ts';
import { USER_STATUSES } from './status.ts';

const Account = z.object({
  email: z.string(),
  status: z.enum(USER_STATUSES),
  generation: z.int(),
  mfa_enabled: z.boolean(),
});

/**
 * Compares a password with an account's, in the same time whether the account exists or not.
 *
 * A hash made with weaker parameters than today's is made anew while the password is at hand.
 */
export const checkPassword = operation({
  name: 'users.check-password',
  summary: "Compares a password with an account's",
  access: 'service',
  input: z.strictObject({ user_id: z.string().optional(), password: Password }),
  output: z.object({ matches: z.boolean(), account: Account.optional() }),
  reads: [users, credentials],
  writes: [credentials],
  needs: ['passwords', 'clock'],
  run: async ({ store, passwords, clock }, { user_id = 'nobody', password }) => {
    const [user, secret] = await Promise.all([store.get(users, user_id), store.get(credentials, user_id)]);
    const matches = await passwords.verify(password, secret?.value.password_hash);
    if (!user || !secret) return { matches: false };
    if (matches && passwords.needsRehash(secret.value.password_hash)) {
      const password_hash = await passwords.hash(password);
      // somebody changing it meanwhile wins
      await store.transact([update(credentials, secret, { password_hash, changed_at: clock.now() })]).catch(() => {});
    }
    return { matches, account: user.value };
  },
});
