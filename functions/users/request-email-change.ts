import * as z from 'zod';
import { counterKey } from '../../shared/kit/counter-key.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { provePassword } from '../auth/prove-password.ts';
import { emailSend } from '../notifications/events.ts';
import { holderOf, mayChangeAgain } from './email-change.ts';
import { Email, Password } from './model.ts';
import { issueToken, tokenId } from './one-time-token.ts';
import { identifiers, oneTimeTokens, requestCounts, users } from './records.ts';

const HOUR_MS = 3_600_000;
const MAX_PER_HOUR = 5;

/**
 * Asks for another address: a link is mailed there, and only that changes anything. Answer, work and time are the same for an
 * address that somebody has; its owner gets a mail instead.
 */
export const requestEmailChange = operation({
  name: 'users.request-email-change',
  summary: "Asks for another address of the caller's account",
  http: { method: 'POST', path: '/api/v1/users/me/email', status: 202 },
  access: 'user',
  bounds: { address: 30 },
  input: z.strictObject({
    email: Email,
    password: Password,
  }),
  output: z.object({ status: z.literal('accepted') }),
  errors: ['not_found', 'conflict', 'invalid_credentials', 'too_many_requests'],
  emits: [emailSend],
  reads: [users, identifiers, oneTimeTokens],
  writes: [oneTimeTokens, requestCounts],
  needs: ['clock', 'ids', 'sealer', 'secrets', 'settings'],
  calls: { provePassword },
  run: async ({ store, provePassword, ...given }, { email, password }, { caller }) => {
    if (caller.kind !== 'user') throw new AppError('not_found');
    const { user_id, session_id } = caller;
    const { clock, ids, sealer, secrets, settings } = given;
    if (!(await store.get(users, user_id))) throw new AppError('not_found');
    // whoever has the address gets a new password: a token that was found is not enough, however young it is
    await provePassword({ user_id, session_id, password });
    const hour = { expires_at: clock.now() + HOUR_MS };
    const asked = await store.increment(requestCounts, counterKey(secrets, 'change-email', user_id), hour);
    if (asked > MAX_PER_HOUR * settings.rate_limits) throw new AppError('too_many_requests', { retry_after: 3600 });
    return retryConflict(async () => {
      const now = clock.now();
      const user = await store.get(users, user_id);
      if (!user) throw new AppError('not_found');
      if (user.value.email === email) {
        throw new AppError('invalid_request', { errors: [{ path: 'email', message: 'Is your address already' }] });
      }
      mayChangeAgain(await store.get(oneTimeTokens, tokenId('undo-email', user_id)), now);
      const earlier = await store.get(oneTimeTokens, tokenId('change-email', user_id));
      const { taken, holder } = await holderOf(store, email, user_id);
      const { first_name = '', locale = '', generation } = user.value;
      const expires_at = now + settings.verification_ttl * 1000;
      const { token, write } = issueToken(ids, 'change-email', { user_id, email, generation }, earlier, expires_at);
      const sealed = {
        token: sealer.seal(token, 'change-email'),
        expires_at: new Date(expires_at).toISOString(),
        first_name,
        locale,
      };
      const mail = emailSend.with(
        {
          recipient: email,
          template_name: taken ? 'address_in_use' : 'confirm_email',
          subject: '',
          template_data: taken ? { locale: holder?.value.locale ?? '' } : sealed,
          priority: 'high',
        },
        { user_id },
      );
      await store.transact([write], [mail]);
      return { status: 'accepted' as const };
    });
  },
});
