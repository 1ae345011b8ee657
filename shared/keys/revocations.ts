/** The live revocations as a feed tells them, so that a check calls nobody; it fails closed when the feed is behind. */
import { adapter } from '../kit/adapter.ts';
import { AppError } from '../kit/errors.ts';
import type { Ports } from '../ports/index.ts';
import type { FeedMessage, FeedPosition, Revocations } from '../ports/revocations.ts';
import { RevocationSet } from './revocation-set.ts';

/** Older knowledge than this answers nothing. */
export const STALENESS_BOUND_MS = 2000;

class FollowedRevocations implements Revocations {
  readonly #feed: Ports['revocationFeed'];
  readonly #clock: Ports['clock'];
  readonly #log: Ports['log'];
  readonly #live = new RevocationSet();
  /** Where the feed is; nowhere before the first snapshot, and after a gap. */
  #at: FeedPosition | undefined;
  /** Everything that was visible at this time is known. */
  #asOf = Number.NEGATIVE_INFINITY;
  #catchingUp: Promise<void> | undefined;

  constructor({ revocationFeed, clock, log }: Pick<Ports, 'revocationFeed' | 'clock' | 'log'>) {
    this.#feed = revocationFeed;
    this.#clock = clock;
    this.#log = log;
  }

  find(claims: Parameters<Revocations['find']>[0]) {
    return this.#isFresh() ? this.#live.find(claims) : this.#findAfterCatchingUp(claims);
  }

  learn(revocation: Parameters<Revocations['learn']>[0]): void {
    this.#live.add(revocation);
  }

  take(message: FeedMessage): void {
    if (message.kind === 'snapshot') {
      this.#at = message.at;
      this.#live.prune(message.as_of);
    } else {
      const { epoch, number } = message.after;
      if (this.#at?.epoch !== epoch || this.#at.number < number) {
        this.#lost();
        return;
      }
      // what is told a second time is known
      const now = number + message.revocations.length;
      if (now > this.#at.number) this.#at = { epoch, number: now };
    }
    for (const revocation of message.revocations) this.#live.add(revocation);
    // a snapshot that was long in coming makes nothing old that was told meanwhile
    if (message.kind === 'entries' || message.as_of > this.#asOf) this.#asOf = message.as_of;
  }

  /** Asks the feed for what it has. Rejects when it can't tell. */
  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#feed.catchUp(this.#at).finally(() => {
      this.#catchingUp = undefined;
    });
    return this.#catchingUp;
  }

  /** Something was told that this did not hear: nothing is answered before a snapshot. */
  #lost(): void {
    if (this.#at) this.#log.warn('revocations_gap', {});
    this.#at = undefined;
    this.#asOf = Number.NEGATIVE_INFINITY;
    void this.catchUp().catch(() => undefined);
  }

  /** Judged by the clock at each call: the timers of a frozen process (Lambda) stand still, time does not. */
  #isFresh(): boolean {
    return Math.abs(this.#clock.now() - this.#asOf) <= STALENESS_BOUND_MS;
  }

  async #findAfterCatchingUp(claims: Parameters<Revocations['find']>[0]) {
    try {
      await this.catchUp();
      // the one that was joined may have begun before the freeze
      if (!this.#isFresh()) await this.catchUp();
      if (!this.#isFresh()) throw new Error('catching up took longer than the bound');
    } catch (cause) {
      throw new AppError('unavailable', { detail: 'Revocations are not known at present', retry_after: 1, cause });
    }
    return this.#live.find(claims);
  }
}

/**
 * Opens the revocations: knows the snapshot when this resolves, or answers `unavailable` until it does. `find` is
 * synchronous while what the feed told is at most 2 s old; past that it catches up first.
 */
export const openRevocations = async (ports: Pick<Ports, 'revocationFeed' | 'clock' | 'log'>) => {
  const port = new FollowedRevocations(ports);
  const stop = ports.revocationFeed.follow((message) => port.take(message));
  await port.catchUp().catch(() => undefined);
  return { port: port satisfies Revocations, close: async () => stop() };
};

export const revocations = adapter({
  port: 'revocations',
  needs: ['revocationFeed', 'clock', 'log'],
  open: openRevocations,
});
