import * as z from 'zod';
import { counterKey } from '../../shared/kit/counter-key.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { envelopeOf } from '../../shared/messaging/envelope.ts';
import { once } from '../../shared/messaging/inbox.ts';
import { insert } from '../../shared/ports/store.ts';
import { emailSend } from '../notifications/events.ts';
import { passwordResetRequested, userRegistered } from './events.ts';
import { emailKey, mailboxOf } from './model.ts';
import { goodTokens, issueToken, MAX_BESIDE, tokenId } from './one-time-token.ts';
import {
  credentials,
  handledRequests,
  identifiers,
  oneTimeTokens,
  requestCounts,
  users,
  userTerms,
} from './records.ts';
import { registerAnew } from './registration.ts';

/** Mails that one mailbox may get in an hour, whoever asks. */
const MAX_PER_HOUR = 5;
/** Longer than any redelivery. */
const MARK_MS = 7 * 86_400_000;

/**
 * Makes a reset token for the account of the address and has it mailed. An account that waits to be verified gets the mail
 * for that anew. For an address that nobody has the same is read, counted and committed, and nothing is mailed.
 */
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
  emits: [emailSend, userRegistered],
  reads: [identifiers, users, credentials, oneTimeTokens, userTerms],
  writes: [identifiers, users, credentials, oneTimeTokens, requestCounts, handledRequests, userTerms],
  needs: ['clock', 'ids', 'sealer', 'secrets', 'settings'],
  run: async ({ store, clock, ids, sealer, secrets, settings }, { message_id, data }) => {
    const { email, ip_address, user_agent } = data;
    const mark = insert(handledRequests, message_id, {}, { expires_at: clock.now() + MARK_MS });
    if (await store.get(handledRequests, message_id)) return {};
    const hour = { expires_at: clock.now() + 3_600_000 };
    const asked = await store.increment(requestCounts, counterKey(secrets, 'reset', mailboxOf(email)), hour);
    if (asked > MAX_PER_HOUR * settings.rate_limits) return {};
    return retryConflict(async () => {
      const now = clock.now();
      const found = await store.get(identifiers, emailKey(email));
      const user = await store.get(users, (!found?.value.reserved && found?.value.user_id) || 'nobody');
      const status = user?.value.status;
      const known = user && (status === 'active' || status === 'pending_verification') ? user : undefined;
      const purpose = status === 'pending_verification' ? 'verify-email' : 'reset-password';
      const earlier = await store.get(oneTimeTokens, tokenId(purpose, known?.id ?? 'nobody'));
      if (!known) {
        // nobody's, and gone in a second: a commit takes as long as what it writes
        const nobody = { user_id: ids.uuid(), email: 'none@none.invalid', generation: 0 };
        await once(store, mark, [issueToken(ids, purpose, nobody, undefined, now + 1000).write]);
        return {};
      }
      const { first_name, last_name, locale, generation } = known.value;
      const owner = { user_id: known.id, email: known.value.email, generation };
      if (purpose === 'verify-email') {
        if (earlier && goodTokens(earlier, now).length >= MAX_BESIDE) return {};
        const expires_at = now + settings.verification_ttl * 1000;
        const waits_until = Math.max(known.expires_at ?? 0, expires_at);
        const waiting = await registerAnew(store, known, known.value, undefined, false, waits_until);
        const { token, write } = issueToken(ids, purpose, owner, earlier, expires_at, now);
        const registered = userRegistered.with(
          {
            user_id: known.id,
            email: known.value.email,
            first_name,
            last_name,
            locale,
            verification_token: sealer.seal(token, purpose),
            registration_ip: ip_address,
            user_agent,
          },
          { user_id: known.id },
        );
        await once(store, mark, [...waiting, write], [registered]);
        return {};
      }
      const expires_at = now + settings.reset_ttl * 1000;
      const { token, write } = issueToken(ids, purpose, owner, earlier, expires_at);
      const mail = emailSend.with(
        {
          recipient: known.value.email,
          template_name: 'password_reset',
          subject: '',
          template_data: {
            token: sealer.seal(token, purpose),
            expires_at: new Date(expires_at).toISOString(),
            first_name: first_name ?? '',
            locale: locale ?? '',
          },
          priority: 'high',
        },
        { user_id: known.id },
      );
      await once(store, mark, [write], [mail]);
      return {};
    }, 25);
  },
});
