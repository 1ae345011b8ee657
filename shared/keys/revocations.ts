/** Follows the live revocations of the store, so that a check calls nobody, and fails closed when it can't. */
import { adapter } from '../adapter.ts';
import { AppError } from '../errors.ts';
import type { Ports } from '../ports/index.ts';
import type { Revocations } from '../ports/tokens.ts';
import { revocations as records, timeKey } from './revocation-records.ts';
import { RevocationSet } from './revocation-set.ts';

/** How often the store is asked. */
export const POLL_MS = 200;
/** Older knowledge than this answers nothing. */
export const STALENESS_BOUND_MS = 2000;
/** Asked again each time: a commit may become visible after a later one, and clocks of writers differ. */
const OVERLAP_MS = 5000;
/** All live ones are read again this often, so that a writer with a wrong clock is late but never missed. */
const WHOLE_EVERY_MS = 30_000;

class StoreRevocations implements Revocations {
  readonly #store: Ports['store'];
  readonly #clock: Ports['clock'];
  readonly #log: Ports['log'];
  readonly #live = new RevocationSet();
  /** When the last successful refresh began. */
  #asOf = Number.NEGATIVE_INFINITY;
  #wholeAt = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;
  #reads = 0;
  #failing = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ store, clock, log }: Pick<Ports, 'store' | 'clock' | 'log'>) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  find(claims: Parameters<Revocations['find']>[0]) {
    return this.#isFresh() ? this.#live.find(claims) : this.#findAfterRefresh(claims);
  }

  learn(revocation: Parameters<Revocations['learn']>[0]): void {
    this.#live.add(revocation);
  }

  /** Asks the store now, then again and again. */
  async follow(): Promise<void> {
    await this.#refresh().catch(() => undefined);
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.follow(), POLL_MS);
    this.#timer.unref();
  }

  stop(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Judged by the clock at each call: the timers of a frozen process (Lambda) stand still, time does not. */
  #isFresh(): boolean {
    return Math.abs(this.#clock.now() - this.#asOf) <= STALENESS_BOUND_MS;
  }

  async #findAfterRefresh(claims: Parameters<Revocations['find']>[0]) {
    try {
      await this.#refresh();
      // the refresh that was joined may have begun before the freeze
      if (!this.#isFresh()) await this.#refresh();
      if (!this.#isFresh()) throw new Error('a refresh took longer than the bound');
    } catch (cause) {
      throw new AppError('unavailable', { detail: 'Revocations are not known at present', retry_after: 1, cause });
    }
    return this.#live.find(claims);
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#readInTime().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** A store that hangs is a store that is away. */
  async #readInTime(): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error('the store does not answer')), STALENESS_BOUND_MS);
    try {
      await Promise.race([this.#read(), late.promise]);
      if (this.#failing) this.#log.info('revocations_readable', { live: this.#live.size });
      this.#failing = false;
    } catch (cause) {
      if (!this.#failing) this.#log.warn('revocations_unreadable', { reason: String((cause as Error).message) });
      this.#failing = true;
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(): Promise<void> {
    this.#reads += 1;
    const turn = this.#reads;
    const began = this.#clock.now();
    const whole = Math.abs(began - this.#wholeAt) >= WHOLE_EVERY_MS;
    await this.#readFrom(whole ? undefined : timeKey(Math.min(this.#asOf, began) - OVERLAP_MS));
    // a read that was given up must not pass for news when it ends after a later one
    if (turn !== this.#reads) return;
    this.#asOf = began;
    if (!whole) return;
    this.#wholeAt = began;
    this.#live.prune(began);
  }

  async #readFrom(from: string | undefined): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.#store.query(records, 'live', 'live', {
        limit: 1000,
        ...(from && { from }),
        ...(cursor && { cursor }),
      });
      for (const { value } of page.items) this.#live.add(value);
      cursor = page.next_cursor;
    } while (cursor);
  }
}

/**
 * Opens the revocations: knows the snapshot when this resolves, or answers `unavailable` until it does. `find` is
 * synchronous while the last refresh is at most 2 s old; past that it refreshes first.
 */
export const openRevocations = async (ports: Pick<Ports, 'store' | 'clock' | 'log'>) => {
  const port = new StoreRevocations(ports);
  await port.follow();
  return { port: port satisfies Revocations, close: async () => port.stop() };
};

export const revocations = adapter({
  port: 'revocations',
  needs: ['store', 'clock', 'log'],
  reads: [records],
  open: openRevocations,
});
