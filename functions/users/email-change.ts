/** Another address for an account: who holds an address, how one passes on, and how long the way back is open. */
import { AppError } from '../../shared/kit/errors.ts';
import { insert, type Reader, type Stored, update, type Write } from '../../shared/ports/store.ts';
import { emailKey } from './model.ts';
import { goodTokens } from './one-time-token.ts';
import { type IdentifierRecord, identifiers, type OneTimeToken, type UserRecord, users } from './records.ts';

/** The way back: the address before is kept for its account so long, and the link mailed there works (unix ms). */
export const UNDO_MS = 72 * 3_600_000;

/** Changes that can be undone at the same time: with more a thief would push out the link that takes his back. */
const MAX_UNDOABLE = 3;

/** @throws AppError `too_many_requests` while the last changes can still be undone */
export const mayChangeAgain = (undo: Stored<OneTimeToken> | undefined, now: number): void => {
  const good = undo ? goodTokens(undo, now) : [];
  if (good.length < MAX_UNDOABLE) return;
  const retry_after = Math.ceil((Math.min(...good.map(({ expires_at }) => expires_at)) - now) / 1000);
  throw new AppError('too_many_requests', { detail: 'The address was changed too often lately', retry_after });
};

export interface Held {
  /** The record of the address, if there is one. */
  record?: Stored<IdentifierRecord>;
  /** Another account that has it, or had it and may get it back. */
  holder?: Stored<UserRecord>;
  /** The holder stays: others don't get the address. */
  taken: boolean;
}

/** Who holds an address, besides the account itself. An account that nobody verified gives way to who reads its mails. */
export const holderOf = async (
  store: Reader<'identifiers' | 'users'>,
  email: string,
  user_id: string,
): Promise<Held> => {
  const record = await store.get(identifiers, emailKey(email));
  const other = record && record.value.user_id !== user_id ? record.value.user_id : undefined;
  const holder = await store.get(users, other ?? 'nobody');
  const waits = holder?.value.status === 'pending_verification' && !record?.value.reserved;
  return { record, holder, taken: other !== undefined && !waits };
};

/** The write that gives an account an address for good, in one step with the proof that nobody else has it. */
export const giveAddress = (email: string, user_id: string, record: Held['record']): Write<'identifiers'> =>
  record
    ? update(identifiers, record, { user_id }, { expires_at: undefined })
    : insert(identifiers, emailKey(email), { user_id });
