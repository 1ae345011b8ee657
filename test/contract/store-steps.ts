/** The steps that several parts of the suite take. */
import { type Claimed, type NewMessage, type Store, WriteConflict } from '../../shared/ports/store.ts';
import { people } from './store-harness.ts';

/** Where a transaction was refused, or that it was not. */
export const refusedAt = async (promise: Promise<unknown>): Promise<number | 'resolved'> => {
  try {
    await promise;
    return 'resolved';
  } catch (error) {
    if (error instanceof WriteConflict) return error.at;
    throw error;
  }
};

/** The person of this id, who is there. */
export const stored = async (store: Store, id: string) => (await store.get(people, id))!;

export const LEASE = 30_000;
export const put = (store: Store, ...enqueue: NewMessage[]) => store.transact([], { enqueue });
export const take = (store: Store, limit = 10, queue = 'q') => store.messages.claim(queue, { limit, lease_ms: LEASE });
export const settle = (store: Store, ...settled: Claimed[]) => store.transact([], { settle: settled });
export const idsOf = (messages: readonly { id: string }[]) => messages.map(({ id }) => id);
