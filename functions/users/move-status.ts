/** Moving an account to another status: what may follow what, what goes with it, and who is the last to be let go. */
import { AppError } from '../../shared/kit/errors.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { type Stored, update } from '../../shared/ports/store.ts';
import { withAdministrator, withoutAdministrator } from './administrators.ts';
import { erase, erased } from './erasure.ts';
import { userDeleted, userStatusChanged } from './events.ts';
import {
  administrators,
  credentials,
  identifiers,
  oneTimeTokens,
  phoneProofs,
  type UserRecord,
  users,
  userTerms,
} from './records.ts';
import { confirm } from './registration.ts';
import { NEXT_STATUSES, type UserStatus } from './status.ts';
import { followingTerms } from './terms.ts';

/** What it reads and writes, and the events that it commits: for the declaration of an operation that moves a status. */
export const MOVES = [users, identifiers, credentials, oneTimeTokens, phoneProofs, administrators, userTerms] as const;
export const MOVE_EVENTS = [userStatusChanged, userDeleted] as const;
type Names = (typeof MOVES)[number]['name'];

/**
 * Moves it, all in one commit. Its tokens and sessions are former ones then, unless it is active.
 *
 * @throws AppError `not_found`, `invalid_request` for a status that can't follow, `last_administrator`, `conflict`
 */
export const moveStatus = (
  store: OperationStore<Names, Names, (typeof MOVE_EVENTS)[number]['type']>,
  { user_id, status, reason }: { user_id: string; status: UserStatus; reason?: string },
  /** Asked where the account becomes active: whether it counts as an administrator from then on. */
  isAdministrator: () => Promise<boolean> = async () => false,
): Promise<Stored<UserRecord>> =>
  retryConflict(async () => {
    const user = await store.get(users, user_id);
    if (!user) throw new AppError('not_found', { detail: 'No user has this id' });
    const old_status = user.value.status;
    if (old_status === status) return user;
    if (!NEXT_STATUSES[old_status].includes(status)) {
      throw new AppError('invalid_request', {
        errors: [{ path: 'status', message: `An account that is ${old_status} can't become ${status}` }],
      });
    }
    const generation = user.value.generation + (status === 'active' ? 0 : 1);
    const told = { user_id, old_status, new_status: status, generation, reason };
    const events = [userStatusChanged.with(told, { user_id })];
    const rules = status === 'active' && (await isAdministrator());
    // in the same commit: of two administrators who remove each other at once one finds that he is the last
    const guard = rules ? await withAdministrator(store, user_id) : [];
    if (status !== 'active') guard.push(...(await withoutAdministrator(store, user_id)));
    if (status === 'deleted') {
      const value = erased(user.value, generation);
      const writes = [...(await erase(store, user, value)), ...guard];
      await store.transact(writes, [...events, userDeleted.with({ user_id }, { user_id })]);
      return { ...user, value };
    }
    const value = { ...user.value, status, generation, spared_session_id: undefined };
    const waited = old_status === 'pending_verification';
    const writes = waited
      ? await confirm(store, user, value)
      : [update(users, user, value), ...(await followingTerms(store, user_id, value, user.expires_at))];
    await store.transact([...writes, ...guard], events);
    return { ...user, value };
  });
