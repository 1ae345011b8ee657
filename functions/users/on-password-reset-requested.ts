import * as z from 'zod';
import { counterKey } from '../../shared/kit/counter-key.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { once } from '../../shared/messaging/inbox.ts';
import { insert } from '../../shared/ports/store.ts';
import { emailSend } from '../notifications/events.ts';
import { passwordResetRequested } from './events.ts';
import { emailKey, mailboxOf } from './model.ts';
import { issueToken, tokenId } from './one-time-token.ts';
import { handledRequests, identifiers, oneTimeTokens, requestCounts, users } from './records.ts';

/** Mails that one mailbox may get in an hour, whoever asks. */
const MAX_PER_HOUR = 5;
/** Longer than any redelivery. */
const MARK_MS = 7 * 86_400_000;

/** Makes a reset token for the account of the address and has it mailed; does nothing for an address nobody has. */
export const onPasswordResetRequested = operation({
  name: 'users.on-password-reset-requested',
  summary: 'Makes a reset token and has it mailed',
  subscription: {
    queue: 'user-service.password_resets',
    bindings: [passwordResetRequested.key],
    types: [passwordResetRequested.type],
  },
  access: 'service',
  input: envelopeOf(passwordResetRequested),
  output: z.object({}),
  errors: ['conflict'],
  emits: [emailSend],
  reads: [identifiers, users, oneTimeTokens],
  writes: [oneTimeTokens, requestCounts, handledRequests],
  needs: ['clock', 'ids', 'sealer', 'secrets', 'settings'],
  run: async ({ store, clock, ids, sealer, secrets, settings }, { message_id, data: { email } }) => {
    const found = await store.get(identifiers, emailKey(email));
    const user = found && (await store.get(users, found.value.user_id));
    if (user?.value.status !== 'active') return {};
    const mark = insert(handledRequests, message_id, {}, { expires_at: clock.now() + MARK_MS });
    if (await store.get(handledRequests, message_id)) return {};
    const hour = { expires_at: clock.now() + 3_600_000 };
    const asked = await store.increment(requestCounts, counterKey(secrets, 'reset', mailboxOf(email)), hour);
    if (asked > MAX_PER_HOUR * settings.rate_limits) return {};
    return retryConflict(async () => {
      const expires_at = clock.now() + settings.reset_ttl * 1000;
      const earlier = await store.get(oneTimeTokens, tokenId('reset-password', user.id));
      const owner = { user_id: user.id, email: user.value.email, generation: user.value.generation };
      const { token, write } = issueToken(ids, 'reset-password', owner, earlier, expires_at);
      const mail = emailSend.with(
        {
          recipient: user.value.email,
          template_name: 'password_reset',
          subject: '',
          template_data: {
            token: sealer.seal(token, 'reset-password'),
            expires_at: new Date(expires_at).toISOString(),
            first_name: user.value.first_name ?? '',
            locale: user.value.locale ?? '',
          },
          priority: 'high',
        },
        { user_id: user.id },
      );
      await once(store, mark, [write], [mail]);
      return {};
    });
  },
});
