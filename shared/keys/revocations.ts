/** Follows the live revocations of the store, so that a check calls nobody, and fails closed when it can't. */
import { adapter } from '../kit/adapter.ts';
import { AppError } from '../kit/errors.ts';
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

  async #readInTime(): Promise<void> {
    try {
      await this.#read();
      if (this.#failing) this.#log.info('revocations_readable', { live: this.#live.size });
      this.#failing = false;
    } catch (cause) {
      if (!this.#failing) this.#log.warn('revocations_unreadable', { reason: String((cause as Error).message) });
      this.#failing = true;
      throw cause;
    }
  }

  /** The snapshot at first, then what is new. However long the snapshot takes, what is new since it began is read next. */
  async #read(): Promise<void> {
    const began = this.#clock.now();
    const first = this.#asOf === Number.NEGATIVE_INFINITY;
    await this.#readFrom(first ? undefined : timeKey(Math.min(this.#asOf, began) - OVERLAP_MS));
    this.#asOf = began;
    if (first) this.#wholeAt = began;
    else if (Math.abs(began - this.#wholeAt) >= WHOLE_EVERY_MS) this.#readWholeBeside(began);
  }

  /** Reads all live ones again without keeping anybody waiting: many of them must not make what is new old. */
  #readWholeBeside(began: number): void {
    this.#wholeAt = began;
    this.#readFrom(undefined).then(
      () => this.#live.prune(began),
      (cause) => this.#log.warn('revocations_reread_failed', { reason: String((cause as Error).message) }),
    );
  }

  async #readFrom(from: string | undefined): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await inTime(
        this.#store.query(records, 'live', 'live', {
          limit: 1000,
          ...(from && { from }),
          ...(cursor && { cursor }),
        }),
      );
      if (this.#closed) return;
      for (const { value } of page.items) this.#live.add(value);
      cursor = page.next_cursor;
    } while (cursor);
  }
}

/** A store that hangs is a store that is away. */
const inTime = async <T>(answer: Promise<T>): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('the store does not answer')), STALENESS_BOUND_MS);
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer));
};

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
