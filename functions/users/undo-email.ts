import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { remove, type Stored, update, type Write } from '../../shared/ports/store.ts';
import { giveAddress, holderOf } from './email-change.ts';
import { passwordResetRequested, userEmailChanged, userSessionsEnded } from './events.ts';
import { emailKey } from './model.ts';
import { goodTokens, placeOfToken, tokenId, userOfToken } from './one-time-token.ts';
import { identifiers, type OneTimeToken, oneTimeTokens, users, userTerms } from './records.ts';
import { followingTerms } from './terms.ts';

const KEPT = [oneTimeTokens, users, identifiers, userTerms] as const;

/** The record without the tokens from this one on to the newest; links that were mailed before it stay good. */
const without = (record: Stored<OneTimeToken>, place: number, now: number): Write<'one_time_tokens'> => {
  const [first, ...earlier] = goodTokens(record, now).slice(place + 1);
  if (!first) return remove(oneTimeTokens, record);
  const { hash, expires_at, email = '' } = first;
  return update(oneTimeTokens, record, { ...record.value, hash, email, earlier }, { expires_at });
};

/**
 * Gives an account back the address to which the link was mailed, ends every session, makes passkeys void, and has a link for a new password mailed
 * there: whoever changed the address may know the password. Addresses that came after are free.
 */
export const undoEmail = operation({
  name: 'users.undo-email',
  summary: 'Takes the change of an address back with the token from the mail',
  access: 'service',
  input: z.strictObject({ token: z.string(), ip_address: z.string(), user_agent: z.string() }),
  output: z.object({ user_id: z.string(), email: z.string(), generation: z.int() }),
  errors: ['invalid_token', 'conflict'],
  emits: [userEmailChanged, userSessionsEnded, passwordResetRequested],
  reads: KEPT,
  writes: KEPT,
  needs: ['clock'],
  run: async ({ store, clock }, { token, ...origin }) =>
    retryConflict(async () => {
      const now = clock.now();
      const user_id = userOfToken(token);
      const undo = user_id && (await store.get(oneTimeTokens, tokenId('undo-email', user_id)));
      const user = user_id && (await store.get(users, user_id));
      const place = undo ? placeOfToken(undo, token, now) : -1;
      if (!undo || !user || place < 0) throw new AppError('invalid_token');
      const tokens = goodTokens(undo, now);
      const email = tokens[place]!.email ?? '';
      const { record, taken } = await holderOf(store, email, user.id);
      if (taken) throw new AppError('invalid_token');
      const later = new Set([user.value.email, ...tokens.slice(0, place).map((each) => each.email ?? '')]);
      later.delete(email);
      const freed = await store.getMany(identifiers, [...later].map(emailKey));
      const pending = await store.getMany(oneTimeTokens, [
        tokenId('change-email', user.id),
        tokenId('reset-password', user.id),
      ]);
      const generation = user.value.generation + 1;
      const value = { ...user.value, email, generation, recovered_at: now, spared_session_id: undefined };
      const to = { user_id: user.id };
      await store.transact(
        [
          update(users, user, value),
          giveAddress(email, user.id, record),
          ...[...freed.values()]
            .filter((each) => each.value.user_id === user.id)
            .map((each) => remove(identifiers, each)),
          ...[...pending.values()].map((each) => remove(oneTimeTokens, each)),
          without(undo, place, now),
          ...(await followingTerms(store, user.id, value, user.expires_at)),
        ],
        [
          userEmailChanged.with({ ...to, email, old_email: user.value.email, how: 'undone', ...origin }, to),
          userSessionsEnded.with({ ...to, generation, cause: 'email_change_undone' }, to),
          passwordResetRequested.with({ email, ...origin }, to),
        ],
      );
      return { user_id: user.id, email, generation };
    }, 25),
});
