/** Terms of accounts that an older release wrote without. */
import { insert, type Reader, type Store, update, WriteConflict } from '../../shared/ports/store.ts';
import { userFills, users, type userTerms } from './records.ts';
import { followingTerms } from './terms.ts';

const DONE = 'terms';
const AT_ONCE = 500;

/** Makes what is missing, once. Who changes an account meanwhile writes its terms himself. */
export const fillTerms = async (store: Store): Promise<void> => {
  if (await store.get(userFills, DONE)) return;
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await store.query(users, 'by_creation', 'all', { limit: AT_ONCE, cursor });
    for (const user of page.items) {
      const terms = await followingTerms(store as Reader<typeof userTerms.name>, user.id, user.value, user.expires_at);
      if (!terms.length) continue;
      await store.transact([update(users, user, user.value), ...terms]).catch((error) => {
        if (!(error instanceof WriteConflict)) throw error;
      });
    }
    cursor = page.next_cursor;
  }
  await store.transact([insert(userFills, DONE, {})]).catch((error) => {
    if (!(error instanceof WriteConflict)) throw error;
  });
};
