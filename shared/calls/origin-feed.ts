/** Revocations by asking over REST again and again: for a sidecar that nobody can tell, as beside an API Gateway. */
import { listRevocations } from '../../functions/sessions/list-revocations.ts';
import { timeKey } from '../keys/revocation-records.ts';
import { createPolledFeed } from '../keys/store-feed.ts';
import type { Ports } from '../ports/index.ts';
import type { RevocationFeed } from '../ports/revocations.ts';
import type { Origin } from './origin.ts';

/** Makes the feed. Times of revocations are the platform's, so what is asked for is put into its time first. */
export const createOriginFeed = (origin: Origin, ports: Pick<Ports, 'clock' | 'log' | 'ids'>): RevocationFeed => {
  /** How far the platform's clock is ahead of ours, ms. */
  let ahead = 0;
  return createPolledFeed(async ({ from, ...page }) => {
    const since = from === undefined ? {} : { from: timeKey(Number(from) + ahead) };
    const asked = { ...since, ...page, limit: String(page.limit) };
    const { revocations, next_cursor, now } = await origin.call(listRevocations, asked);
    ahead = now - ports.clock.now();
    return { revocations, next_cursor };
  }, ports);
};
