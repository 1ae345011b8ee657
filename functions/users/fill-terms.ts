/** Terms of accounts that an older release wrote without. */
import { insert, type Reader, type Store, update, WriteConflict } from '../../shared/ports/store.ts';
import { userFills, users, type userTerms } from './records.ts';
import { followingTerms } from './terms.ts';

const DONE = 'terms';
const AT_ONCE = 500;
const LANES = 16;

/** Who changed the record meanwhile wrote its terms. */
const unlessChanged = (error: unknown): void => {
  if (!(error instanceof WriteConflict)) throw error;
};

/** Makes what is missing, once. */
export const fillTerms = async (store: Store): Promise<void> => {
  if (await store.get(userFills, DONE)) return;
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await store.query(users, 'by_creation', 'all', { limit: AT_ONCE, cursor });
    const left = [...page.items];
    const lane = async (): Promise<void> => {
      for (let user = left.pop(); user; user = left.pop()) {
        const reader = store as Reader<typeof userTerms.name>;
        const terms = await followingTerms(reader, user.id, user.value, user.expires_at);
        if (terms.length) await store.transact([update(users, user, user.value), ...terms]).catch(unlessChanged);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    cursor = page.next_cursor;
  }
  await store.transact([insert(userFills, DONE, {})]).catch(unlessChanged);
};
