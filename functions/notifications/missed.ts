/** What a listener missed, from his inbox. */
import { LastIds } from '../../shared/kit/last-ids.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { Frame } from '../../shared/ports/realtime.ts';
import { notificationFrame } from './frames.ts';
import { inbox, sortOf } from './records.ts';

/** Messages that are told at once to somebody who comes back. */
const MOST = 1_000;
/**
 * Ids that are remembered for a listener: what is told around a gap. Each costs sixty bytes for as long as he stays; a frame twice
 * is what at least once allows.
 */
const REMEMBERED = 50;
const PAGE = 100;
/** Clocks of processes differ by less. */
const SKEW_MS = 5_000;
const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/;

/** When the thing of an id happened, in unix ms: UUIDv7 say so. Of other ids nothing is known: it is now. */
export const timeOf = (id: string, now: number): number => {
  const time = V7.test(id) ? Number.parseInt(id.replace('-', '').slice(0, 12), 16) : now;
  return Math.min(time, now) - SKEW_MS;
};

/** Holds the ids that a listener was told last, so that he is told none of them twice in a row. */
export const toldLately = (): LastIds => new LastIds(REMEMBERED);

/** From which time on somebody missed what came after a frame; a message of his own is not told again. */
export const startOf = async (
  store: Pick<OperationStore<'inbox', never, never>, 'get'>,
  user_id: string,
  since: string,
  now: number,
  told: LastIds,
): Promise<number> => {
  const known = await store.get(inbox, since);
  const own = known?.value.user_id === user_id ? known : undefined;
  if (own) told.add(since);
  return own?.value.created_at ?? timeOf(since, now);
};

/** The messages of a user from a time (unix ms) on, oldest first, but for those that were told. */
export async function* missedSince(
  store: Pick<OperationStore<'inbox', never, never, 'inbox.by_user'>, 'query'>,
  user_id: string,
  since: number,
  told: LastIds,
  most = MOST,
): AsyncGenerator<Frame> {
  let cursor: string | undefined;
  let left = most;
  do {
    const from = sortOf({ created_at: since }, '');
    const page = await store.query(inbox, 'by_user', user_id, { from, cursor, limit: PAGE, order: 'asc' });
    for (const { id, value } of page.items) if (told.add(id)) yield notificationFrame(id, value);
    cursor = page.next_cursor;
    left -= page.items.length;
  } while (cursor && left > 0);
}
