/** What a verifier came by, numbered for those who follow it: the latest entries, and behind them the set as a whole. */
import type { FeedMessage, FeedPosition, Revocation } from '../ports/revocations.ts';

/** Entries that somebody may have missed and still be told one by one; who missed more gets a snapshot. */
const KEPT = 4_096;

export class RevocationLog {
  readonly #epoch: string;
  /** The latest, the newest last; the number of the last one is `#number`. */
  #entries: Revocation[] = [];
  #number = 0;
  readonly #listeners = new Set<(entries: number) => void>();

  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  add(revocation: Revocation): void {
    this.#number += 1;
    this.#entries.push(revocation);
    if (this.#entries.length >= 2 * KEPT) this.#entries = this.#entries.slice(-KEPT);
  }

  /** Wakes those who wait: `entries` are new, and if none, it is later. */
  tell(entries: number): void {
    for (const listener of [...this.#listeners]) listener(entries);
  }

  onNews(listener: (entries: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @param all gives everything that is live, for who is not just behind */
  since(
    from: FeedPosition | undefined,
    all: () => Iterable<Revocation>,
    as_of: number,
  ): Exclude<FeedMessage, { kind: 'beside' }> {
    const behind = from?.epoch === this.#epoch ? this.#number - from.number : -1;
    if (from && behind >= 0 && behind <= this.#entries.length) {
      const revocations = behind === 0 ? [] : this.#entries.slice(-behind);
      return { kind: 'entries', after: from, revocations, as_of };
    }
    return { kind: 'snapshot', at: { epoch: this.#epoch, number: this.#number }, revocations: [...all()], as_of };
  }
}
