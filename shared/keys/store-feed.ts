/** A feed that asks the store again and again: for whoever has one, and nobody to be told by. */
import { setImmediate as others, setTimeout as sleep } from 'node:timers/promises';
import { adapter } from '../kit/adapter.ts';
import type { Ports } from '../ports/index.ts';
import type { FeedMessage, FeedPosition, Revocation, RevocationFeed } from '../ports/revocations.ts';
import { revocations as records, timeKey } from './revocation-records.ts';

/** How often the store is asked. */
export const POLL_MS = 200;
/** Asked again each time: a commit may become visible after a later one, and clocks of writers differ. */
const OVERLAP_MS = 5000;
/** All live ones are read again this often, so that a writer with a wrong clock is late but never missed. */
const WHOLE_EVERY_MS = 30_000;
/** A whole reading that is late by so much is waited for: beside events that end in a moment it would never come to its end. */
const WHOLE_AT_LAST_MS = 2 * WHOLE_EVERY_MS;
/** A store that takes longer for a page is one that is away. */
const PATIENCE_MS = 2000;
/** A page that took longer by the clock was asked for before this process stood still (Lambda freezes it between events). */
const FROZEN_MS = 2 * PATIENCE_MS;
const TRIES = 5;

/** Gives a page of the live revocations, by their times, from one on. */
export type ReadPage = (asked: {
  limit: number;
  from?: string;
  cursor?: string;
}) => Promise<{ revocations: Revocation[]; next_cursor?: string }>;

/** One feed: its entries are numbered as it comes by them, in an epoch of its own. */
class StoreFeed implements RevocationFeed {
  readonly #readPage: ReadPage;
  readonly #clock: Ports['clock'];
  readonly #log: Ports['log'];
  #at: FeedPosition;
  #take: (message: FeedMessage) => void = () => {};
  /** When the last successful reading began. */
  #asOf = Number.NEGATIVE_INFINITY;
  /** When the last whole reading began that came to its end. */
  #wholeAt = Number.NEGATIVE_INFINITY;
  #rereading = false;
  #reading: Promise<void> | undefined;
  #failing = false;
  #closed = false;

  constructor(readPage: ReadPage, { clock, log, ids }: Pick<Ports, 'clock' | 'log' | 'ids'>) {
    this.#readPage = readPage;
    this.#clock = clock;
    this.#log = log;
    this.#at = { epoch: ids.uuid(), number: 0 };
  }

  follow(take: (message: FeedMessage) => void): () => void {
    this.#take = take;
    void this.#poll();
    return () => {
      this.#take = () => {};
      this.#closed = true;
    };
  }

  catchUp(from?: FeedPosition): Promise<void> {
    const known = from?.epoch === this.#at.epoch && from.number === this.#at.number;
    this.#reading ??= this.#readOrTell(known).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOrTell(known: boolean): Promise<void> {
    try {
      await this.#read(known);
      if (this.#failing) this.#log.info('revocations.readable', {});
      this.#failing = false;
    } catch (cause) {
      if (!this.#failing) this.#log.warn('revocations.unreadable', { reason: String((cause as Error).message) });
      this.#failing = true;
      throw cause;
    }
  }

  async #poll(): Promise<void> {
    while (!this.#closed) {
      const began = performance.now();
      await this.catchUp(this.#at).catch(() => undefined);
      // of a burst that takes long to read, never more than half of the time
      await sleep(Math.max(POLL_MS, performance.now() - began), undefined, { ref: false });
    }
  }

  /** The snapshot at first, then what is new. However long the snapshot takes, what is new since it began is read next. */
  async #read(known: boolean): Promise<void> {
    const now = this.#clock.now();
    const late = Math.abs(now - this.#wholeAt);
    const whole = !known || late >= WHOLE_AT_LAST_MS;
    const { revocations, as_of } = await this.#readFrom(
      whole ? undefined : timeKey(Math.min(this.#asOf, now) - OVERLAP_MS),
    );
    if (this.#closed) return;
    this.#asOf = as_of;
    const after = this.#at;
    this.#at = { ...after, number: after.number + revocations.length };
    if (whole) {
      this.#wholeAt = as_of;
      this.#take({ kind: 'snapshot', at: this.#at, revocations, as_of });
    } else {
      this.#take({ kind: 'entries', after, revocations, as_of });
      if (late >= WHOLE_EVERY_MS) this.#readWholeBeside();
    }
  }

  /** Reads all live ones again without keeping anybody waiting: many of them must not make what is new old. */
  #readWholeBeside(): void {
    if (this.#rereading) return;
    this.#rereading = true;
    this.#readFrom(undefined)
      .then(
        ({ revocations, as_of }) => {
          this.#wholeAt = as_of;
          this.#take({ kind: 'snapshot', at: this.#at, revocations, as_of });
        },
        (cause) => this.#log.warn('revocations.reread_failed', { reason: String((cause as Error).message) }),
      )
      .finally(() => {
        this.#rereading = false;
      });
  }

  /** What was there at `as_of`. A reading during which the process stood still is begun anew: half of it would be of before. */
  async #readFrom(from: string | undefined): Promise<{ revocations: Revocation[]; as_of: number }> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const as_of = this.#clock.now();
      const revocations = await this.#readPages(from);
      if (revocations) return { revocations, as_of };
    }
    throw new Error('this process stands still again and again');
  }

  async #readPages(from: string | undefined): Promise<Revocation[] | undefined> {
    const found: Revocation[] = [];
    let cursor: string | undefined;
    do {
      const asked = { limit: 1000, ...(from && { from }), ...(cursor && { cursor }) };
      const began = this.#clock.now();
      const stoodStill = (): boolean => Math.abs(this.#clock.now() - began) >= FROZEN_MS;
      try {
        const page = await inTime(this.#readPage(asked));
        if (stoodStill()) return undefined;
        for (const each of page.revocations) found.push(each);
        cursor = page.next_cursor;
        // a store in this process answers at once: whoever waits for something else has a turn
        if (cursor) await others();
      } catch (cause) {
        // its connections and its patience ended while it stood still
        if (!stoodStill() || this.#closed) throw cause;
        return undefined;
      }
    } while (cursor && !this.#closed);
    return found;
  }
}

const inTime = async <T>(answer: Promise<T>): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error('the store does not answer')), PATIENCE_MS);
  return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer));
};

/** Makes a feed of pages, wherever they come from. It asks from the moment that somebody follows. */
export const createPolledFeed = (read: ReadPage, ports: Pick<Ports, 'clock' | 'log' | 'ids'>): RevocationFeed =>
  new StoreFeed(read, ports);

/** Makes the feed of a store. */
export const createStoreFeed = ({ store, ...ports }: Pick<Ports, 'store' | 'clock' | 'log' | 'ids'>): RevocationFeed =>
  createPolledFeed(async (asked) => {
    const { items, next_cursor } = await store.query(records, 'live', 'live', asked);
    return { revocations: items.map(({ value }) => value), next_cursor };
  }, ports);

export const storeFeed = adapter({
  port: 'revocationFeed',
  needs: ['store', 'clock', 'log', 'ids'],
  // asked for as a list, and never one by one
  queries: ['revocations.live'],
  open: (ports) => ({ port: createStoreFeed(ports) }),
});
