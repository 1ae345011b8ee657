/** Effects of an event happen once, however often it is delivered: the effect and its mark are one transaction. */

import type { NewEvent } from '../kit/event.ts';
import { type Write, WriteConflict } from '../ports/store.ts';

/**
 * Commits an effect together with the mark that its event was handled. False, and no effect at all, when the mark
 * stands already. The mark is an `insert` whose id is the event's message_id.
 *
 * @throws WriteConflict when a write of the effect itself conflicts
 * @example await once(store, insert(handled, envelope.message_id, {}, { expires_at }), [update(totals, read, next)]);
 */
export const once = async <N extends string, E extends string>(
  store: { transact(writes: readonly Write<N>[], events?: readonly NewEvent<E>[]): Promise<void> },
  mark: Write<N>,
  effect: readonly Write<N>[],
  events: readonly NewEvent<E>[] = [],
): Promise<boolean> => {
  try {
    await store.transact([mark, ...effect], events);
    return true;
  } catch (error) {
    if (error instanceof WriteConflict && error.at === 0) return false;
    throw error;
  }
};
