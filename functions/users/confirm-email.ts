import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove, update } from '../../shared/ports/store.ts';
import { emailSend } from '../notifications/events.ts';
import { giveAddress, holderOf, mayChangeAgain, UNDO_MS } from './email-change.ts';
import { erase, erased } from './erasure.ts';
import { userDeleted, userEmailChanged } from './events.ts';
import { emailKey } from './model.ts';
import { issueToken, matchesToken, tokenId, userOfToken } from './one-time-token.ts';
import { credentials, identifiers, oneTimeTokens, phoneProofs, users, userTerms } from './records.ts';
import { followingTerms } from './terms.ts';

const KEPT = [oneTimeTokens, users, identifiers, credentials, phoneProofs, userTerms] as const;

/**
 * Gives an account the address at which its owner read the link. The one before is told, with a link that takes it back for 72
 * hours, and stays reserved as long. Links to set a new password that were mailed there are dead.
 */
export const confirmEmail = operation({
  name: 'users.confirm-email',
  summary: 'Changes the address of an account with the token from the mail',
  access: 'service',
  input: z.strictObject({ token: z.string(), ip_address: z.string(), user_agent: z.string() }),
  output: z.object({ user_id: z.string(), email: z.string() }),
  errors: ['invalid_token', 'already_exists', 'too_many_requests', 'conflict'],
  emits: [userEmailChanged, userDeleted, emailSend],
  reads: KEPT,
  writes: KEPT,
  needs: ['clock', 'ids', 'sealer'],
  run: async ({ store, clock, ids, sealer }, { token, ...origin }) =>
    retryConflict(async () => {
      const now = clock.now();
      const user_id = userOfToken(token);
      const asked = user_id && (await store.get(oneTimeTokens, tokenId('change-email', user_id)));
      const user = user_id && (await store.get(users, user_id));
      const usable = asked && user && matchesToken(asked, token, now) && user.value.status === 'active';
      // what was asked for before the password changed does not outlive it
      if (!usable || asked.value.generation !== user.value.generation) throw new AppError('invalid_token');
      const [old_email, email] = [user.value.email, asked.value.email];
      const undo = await store.get(oneTimeTokens, tokenId('undo-email', user.id));
      mayChangeAgain(undo, now);
      const { record, holder, taken } = await holderOf(store, email, user.id);
      if (taken) throw new AppError('already_exists', { detail: 'The address belongs to another account by now' });
      const waiting = holder ? await erase(store, holder, erased(holder.value, holder.value.generation + 1)) : [];
      const before = await store.get(identifiers, emailKey(old_email));
      const reset = await store.get(oneTimeTokens, tokenId('reset-password', user.id));
      const expires_at = now + UNDO_MS;
      const owner = { user_id: user.id, email: old_email, generation: user.value.generation };
      const back = issueToken(ids, 'undo-email', owner, undo, expires_at, now);
      const value = { ...user.value, email, verified: true };
      const { first_name = '', locale = '' } = value;
      const told = emailSend.with(
        {
          recipient: old_email,
          template_name: 'email_changed',
          subject: '',
          template_data: {
            token: sealer.seal(back.token, 'undo-email'),
            expires_at: new Date(expires_at).toISOString(),
            at: new Date(now).toISOString(),
            ip_address: origin.ip_address,
            first_name,
            locale,
          },
          priority: 'high',
        },
        { user_id: user.id },
      );
      await store.transact(
        [
          update(users, user, value),
          remove(oneTimeTokens, asked),
          ...(reset ? [remove(oneTimeTokens, reset)] : []),
          ...waiting.filter(({ id }) => id !== emailKey(email)),
          giveAddress(email, user.id, record),
          ...(before ? [update(identifiers, before, { user_id: user.id, reserved: true }, { expires_at })] : []),
          back.write,
          ...(await followingTerms(store, user.id, value, user.expires_at)),
        ],
        [
          told,
          userEmailChanged.with(
            { user_id: user.id, email, old_email, how: 'changed', ...origin },
            { user_id: user.id },
          ),
          ...(holder ? [userDeleted.with({ user_id: holder.id }, { user_id: holder.id })] : []),
        ],
      );
      return { user_id: user.id, email };
    }, 25),
});
