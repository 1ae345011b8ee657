/**
 * Who is an administrator and can log in: one record, so that of two administrators who remove each other at once one
 * stays. It may lack somebody whose role was just assigned, and never names somebody who is none: then more is refused
 * than has to be, and the platform never lacks an administrator.
 */
import { AppError } from '../../shared/kit/errors.ts';
import { insert, type Reader, update, type Write } from '../../shared/ports/store.ts';
import { administrators } from './records.ts';

const ALL = 'all';
/** More need not be known to know that there is another one. */
const MOST = 1_000;

type Given = Reader<'administrators'>;

/** The write that adds a user, to be committed with the proof that the account is active. */
export const withAdministrator = async (store: Given, user_id: string): Promise<Write<'administrators'>[]> => {
  const known = await store.get(administrators, ALL);
  const user_ids = known?.value.user_ids ?? [];
  if (user_ids.includes(user_id) || user_ids.length >= MOST) return [];
  const value = { user_ids: [...user_ids, user_id] };
  return [known ? update(administrators, known, value) : insert(administrators, ALL, value)];
};

/** Whether there is, or was, an administrator. */
export const hasAdministrator = async (store: Given): Promise<boolean> =>
  (await store.get(administrators, ALL)) !== undefined;

/** The write that makes a user the first administrator, and fails when there is one by then. */
export const firstAdministrator = (user_id: string): Write<'administrators'> =>
  insert(administrators, ALL, { user_ids: [user_id] });

/**
 * The write that takes a user out, to be committed with what makes the account no administrator's any more.
 *
 * @throws AppError `last_administrator`
 */
export const withoutAdministrator = async (store: Given, user_id: string): Promise<Write<'administrators'>[]> => {
  const known = await store.get(administrators, ALL);
  if (!known?.value.user_ids.includes(user_id)) return [];
  const user_ids = known.value.user_ids.filter((id) => id !== user_id);
  if (user_ids.length === 0) {
    throw new AppError('last_administrator', { detail: 'Give somebody else the role admin first' });
  }
  return [update(administrators, known, { user_ids })];
};
