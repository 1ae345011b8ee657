import * as z from 'zod';
import { FeedEvent, toEvents } from '../../shared/keys/feed-events.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { stream } from '../../shared/kit/stream.ts';
import type { RevocationNews } from '../../shared/ports/revocations.ts';

/** Resolves when there is news, or nobody listens any more. */
const newsOf = (news: RevocationNews, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      stop();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const stop = news.onNews(done);
    signal?.addEventListener('abort', done, { once: true });
  });

/**
 * Tells a verifier of revocations: all live ones, then each at once, as long as it listens. Who comes back says where it
 * stood and is told what it missed. Each event says as of when all is told, so that a verifier knows how old it is.
 */
export const watchRevocations = operation({
  name: 'sessions.watch-revocations',
  summary: 'Tells a verifier of revocations as they happen',
  rpc: { method: 'perfect21.sidecar.RevocationFeed/Watch' },
  access: 'service',
  input: z.strictObject({ epoch: z.string().max(64).optional(), number: z.int().min(0).optional() }),
  output: stream(FeedEvent, { limit: 1024 * 1024 }),
  needs: ['clock', 'revocationNews'],
  run: async function* ({ clock, revocationNews: news }, { epoch, number = 0 }, { signal }) {
    let at = epoch ? { epoch, number } : undefined;
    let told = Number.NEGATIVE_INFINITY;
    while (!signal?.aborted) {
      const message = news.since(at);
      if (!message)
        throw new AppError('unavailable', { detail: 'Revocations are not known at present', retry_after: 1 });
      if (message.kind === 'entries' && message.revocations.length === 0 && message.as_of === told) {
        await newsOf(news, signal);
        continue;
      }
      told = message.as_of;
      for (const event of toEvents(message, () => clock.now())) {
        yield event;
        at = { epoch: event.epoch, number: event.number };
      }
    }
  },
});
