/** A feed within one process: for whoever makes revocations and verifies tokens in it, and for what brings them from elsewhere. */
import type { Clock, Ids } from '../ports/clock.ts';
import type { FeedMessage, Revocation, RevocationFeed } from '../ports/revocations.ts';
import { REVOCATION_LIFE_MS } from './revocation-records.ts';

export interface ProcessFeed extends RevocationFeed {
  /** Tells all who follow. */
  publish(revocation: Revocation): void;
}

/**
 * Makes one, which knows the revocations given.
 *
 * @example const feed = createProcessFeed(ports); const { port } = await openRevocations({ ...ports, revocationFeed: feed });
 */
export const createProcessFeed = (
  { clock, ids }: { clock: Clock; ids: Pick<Ids, 'uuid'> },
  known: readonly Revocation[] = [],
): ProcessFeed => {
  const epoch = ids.uuid();
  const followers = new Set<(message: FeedMessage) => void>();
  let live = [...known];
  let number = live.length;
  const snapshot = (): FeedMessage => {
    live = live.filter(({ created_at }) => clock.now() < created_at + REVOCATION_LIFE_MS);
    return { kind: 'snapshot', at: { epoch, number }, revocations: live, as_of: clock.now() };
  };
  const tell = (message: FeedMessage): void => {
    for (const take of followers) take(message);
  };
  return {
    follow: (take) => {
      followers.add(take);
      take(snapshot());
      return () => void followers.delete(take);
    },
    catchUp: async (from) =>
      tell(
        from?.epoch === epoch && from.number === number
          ? { kind: 'entries', after: from, revocations: [], as_of: clock.now() }
          : snapshot(),
      ),
    publish: (revocation) => {
      const after = { epoch, number };
      live.push(revocation);
      number += 1;
      tell({ kind: 'entries', after, revocations: [revocation], as_of: clock.now() });
    },
  };
};
