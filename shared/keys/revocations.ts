/** The live revocations as a feed tells them, so that a check calls nobody; it fails closed when the feed is behind. */
import { adapter } from '../kit/adapter.ts';
import { AppError } from '../kit/errors.ts';
import type { Ports } from '../ports/index.ts';
import type { FeedMessage, FeedPosition, Revocation, Revocations } from '../ports/revocations.ts';
import { RevocationSet } from './revocation-set.ts';

/** Older knowledge than this answers nothing, unless the configuration says otherwise. */
export const STALENESS_BOUND_MS = 2000;
/** What is over is looked for this often. */
const PRUNE_EVERY_MS = 30_000;

export interface RevocationRules {
  /** Ms that what is known may be old; 2000 when left out. */
  bound_ms?: number;
  /** From this age on verdicts say that what is known is old; never when left out. */
  warn_ms?: number;
  /** Past the bound: `closed` answers `unavailable`, `open` goes by what was known last. */
  when_stale?: 'closed' | 'open';
}

type FeedPorts = Pick<Ports, 'revocationFeed' | 'clock' | 'log'>;

export class FollowedRevocations implements Revocations {
  readonly #feed: Ports['revocationFeed'];
  readonly #clock: Ports['clock'];
  readonly #log: Ports['log'];
  readonly #rules: Required<RevocationRules>;
  protected readonly live = new RevocationSet();
  /** Where the feed is; nowhere before the first snapshot, and after a gap. */
  protected at: FeedPosition | undefined;
  /** Everything that was visible at this time is known. */
  protected asOf = Number.NEGATIVE_INFINITY;
  #prunedAt = Number.NEGATIVE_INFINITY;
  #catchingUp: Promise<void> | undefined;

  constructor({ revocationFeed, clock, log }: FeedPorts, rules: RevocationRules) {
    this.#feed = revocationFeed;
    this.#clock = clock;
    this.#log = log;
    this.#rules = { bound_ms: STALENESS_BOUND_MS, warn_ms: Number.POSITIVE_INFINITY, when_stale: 'closed', ...rules };
  }

  find(claims: Parameters<Revocations['find']>[0]) {
    return this.age() <= this.#rules.bound_ms ? this.live.find(claims) : this.#findAfterCatchingUp(claims);
  }

  learn(revocation: Revocation): void {
    this.hear([revocation]);
  }

  /** Takes in what somebody else told than who is followed. */
  hear(revocations: readonly Revocation[]): void {
    this.passed(this.#add(revocations));
  }

  late(): boolean {
    return this.age() > this.#rules.warn_ms;
  }

  /** How old what is known is, ms. By the clock at each call: the timers of a frozen process (Lambda) stand still, time does not. */
  age(): number {
    return Math.abs(this.#clock.now() - this.asOf);
  }

  /** Whether it may answer, without asking anybody. */
  isReady(): boolean {
    return this.age() <= this.#rules.bound_ms;
  }

  get size(): number {
    return this.live.size;
  }

  take(message: FeedMessage): void {
    if (message.kind === 'beside') {
      this.hear(message.revocations);
      return;
    }
    if (message.kind === 'snapshot') this.at = message.at;
    else {
      const { epoch, number } = message.after;
      if (this.at?.epoch !== epoch || this.at.number < number) {
        this.#lost();
        return;
      }
      // what is told a second time is known
      const now = number + message.revocations.length;
      if (now > this.at.number) this.at = { epoch, number: now };
    }
    if (message.as_of - this.#prunedAt >= PRUNE_EVERY_MS) {
      this.#prunedAt = message.as_of;
      this.live.prune(message.as_of);
    }
    const entries = this.#add(message.revocations);
    // a snapshot that was long in coming makes nothing old that was told meanwhile
    if (message.kind === 'entries' || message.as_of > this.asOf) this.asOf = message.as_of;
    this.passed(entries);
  }

  /** Asks the feed for what it has. Rejects when it can't tell. */
  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#feed.catchUp(this.at).finally(() => {
      this.#catchingUp = undefined;
    });
    return this.#catchingUp;
  }

  /** For who tells others: what was not known before. */
  protected noted(_: Revocation): void {}
  /** For who tells others: so many were noted, or none and time went on. */
  protected passed(_: number): void {}

  /** How many of them are news. */
  #add(revocations: readonly Revocation[]): number {
    let entries = 0;
    for (const revocation of revocations) {
      if (!this.live.add(revocation)) continue;
      this.noted(revocation);
      entries += 1;
    }
    return entries;
  }

  /** Something was told that this did not hear: nothing is answered before a snapshot. */
  #lost(): void {
    if (this.at) this.#log.warn('revocations.gap', {});
    this.at = undefined;
    this.asOf = Number.NEGATIVE_INFINITY;
    void this.catchUp().catch(() => undefined);
  }

  async #findAfterCatchingUp(claims: Parameters<Revocations['find']>[0]) {
    try {
      await this.catchUp();
      // the one that was joined may have begun before the freeze
      if (!this.isReady()) await this.catchUp();
      if (!this.isReady()) throw new Error('catching up took longer than the bound');
    } catch (cause) {
      // who never was caught up, or lost its place, knows too little for any answer
      if (this.#rules.when_stale !== 'open' || !this.at)
        throw new AppError('unavailable', { detail: 'Revocations are not known at present', retry_after: 1, cause });
    }
    return this.live.find(claims);
  }
}

/** Has them follow their feed. */
export const followed = async <R extends FollowedRevocations>(port: R, feed: Ports['revocationFeed']) => {
  const stop = feed.follow((message) => port.take(message));
  await port.catchUp().catch(() => undefined);
  return { port, close: async () => stop() };
};

/**
 * Opens the revocations: knows the snapshot when this resolves, or answers `unavailable` until it does. `find` is
 * synchronous while what the feed told is not older than the bound; past that it catches up first.
 */
export const openRevocations = (ports: FeedPorts, rules: RevocationRules = {}) =>
  followed(new FollowedRevocations(ports, rules), ports.revocationFeed);

export const revocations = adapter({
  port: 'revocations',
  needs: ['revocationFeed', 'clock', 'log'],
  env: ['PERFECT21_MAX_STALENESS'],
  open: (ports, { env }) => openRevocations(ports, { bound_ms: env.PERFECT21_MAX_STALENESS }),
});
