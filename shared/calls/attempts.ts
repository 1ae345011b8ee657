/** Tries again what may be tried again: after growing moments, within the deadline, and not more than the callee bears. */
import { setTimeout as pause } from 'node:timers/promises';

export const TRIES = 3;
/** Before the second try, ms, and with as much again at random; doubled before the third. */
const BACKOFF_MS = 100;

/** Failures without a success that a service may have before nothing is tried again there; twice as many are counted at most. */
const TOLERATED = 10;
/** What a success gives back of a failure: one in ten calls may be a second try for long. */
const REGAINED = 0.1;

/**
 * How many second tries a service bears, as gRPC's retry throttling (proposal A6): when most calls fail, trying each three times
 * would be what keeps it down.
 */
export class RetryBudget {
  #left = 2 * TOLERATED;

  succeeded(): void {
    this.#left = Math.min(2 * TOLERATED, this.#left + REGAINED);
  }

  failed(): void {
    this.#left = Math.max(0, this.#left - 1);
  }

  get allows(): boolean {
    return this.#left > TOLERATED;
  }
}

export interface Repeating {
  budget: RetryBudget;
  /** Unix ms of the machine after which nobody waits. */
  until: number;
  /** Whether a failure may be followed by another try: nothing was sent, or doing it twice does no harm. */
  again: (thrown: unknown) => boolean;
  /** Ends the waiting. */
  signal?: AbortSignal;
}

/** Up to three tries. Throws what the last one threw. */
export const repeated = async <T>(
  attempt: () => Promise<T>,
  { budget, until, again, signal }: Repeating,
): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await attempt();
      budget.succeeded();
      return answer;
    } catch (thrown) {
      if (!again(thrown)) throw thrown;
      budget.failed();
      const wait = BACKOFF_MS * 2 ** (tries - 1) * (1 + Math.random());
      if (tries === TRIES || !budget.allows || signal?.aborted || Date.now() + wait >= until) throw thrown;
      await pause(wait, undefined, { signal }).catch(() => {
        throw thrown;
      });
    }
  }
};
