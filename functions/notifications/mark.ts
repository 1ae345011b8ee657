/** What the reader of a message did with it. Somebody else's message is as unknown as none. */
import { AppError } from '../../shared/kit/errors.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import { update } from '../../shared/ports/store.ts';
import { inbox } from './records.ts';

/** Notes when it was first so. @throws AppError `not_found` */
export const mark = (
  store: Pick<OperationStore<'inbox', 'inbox', never>, 'get' | 'transact'>,
  id: string,
  user_id: string | undefined,
  what: 'read_at' | 'taken_at',
  now: number,
): Promise<Record<string, never>> =>
  retryConflict(async () => {
    const found = await store.get(inbox, id);
    if (!found || found.value.user_id !== user_id) {
      throw new AppError('not_found', { detail: 'You have no message with this id' });
    }
    if (found.value[what] === undefined) {
      await store.transact([update(inbox, found, { ...found.value, [what]: now })]);
    }
    return {};
  });

/** Whether the user was reached by the message in his inbox: a connection acknowledged it, or he read it. */
export const isTaken = async (
  store: Pick<OperationStore<'inbox', never, never>, 'get'>,
  id: string,
  user_id: string | undefined,
): Promise<boolean> => {
  const found = await store.get(inbox, id);
  if (found?.value.user_id !== user_id) return false;
  return found?.value.taken_at !== undefined || found?.value.read_at !== undefined;
};
