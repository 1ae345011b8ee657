import { WriteConflict } from '../ports/store.ts';
import { AppError } from './errors.ts';

/**
 * Runs read-then-write again when somebody else wrote in between; after `tries` it gives up with AppError `conflict`.
 *
 * @example await retryConflict(async () => { const read = await store.get(users, id); … await store.transact([update(users, read, next)]); });
 */
export const retryConflict = async <T>(attempt: () => Promise<T>, tries = 5): Promise<T> => {
  for (let left = tries; ; left--) {
    try {
      return await attempt();
    } catch (thrown) {
      if (!(thrown instanceof WriteConflict)) throw thrown;
      if (left <= 1) throw new AppError('conflict', { cause: thrown });
    }
  }
};
