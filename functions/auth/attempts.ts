/**
 * Bounds on guessing a password (SP 800-63B-4 §3.2.2), the same for every way to try one: `login_attempts` in a window,
 * 100 failures in a day. A try is counted before the password is compared, so that parallel guesses can't outrun it.
 */
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { Settings } from '../../shared/ports/settings.ts';
import { remove, WriteConflict } from '../../shared/ports/store.ts';
import { loginAttempts } from './records.ts';

type Store = OperationStore<'login_attempts', 'login_attempts', string>;

const MAX_PER_DAY = 100;
const DAY_MS = 86_400_000;

export interface Attempt {
  /** Tries in this window, this one included. */
  tries: number;
  throttled: boolean;
  /** This try is the first to be refused. */
  justThrottled: boolean;
  /** Unix ms at which the bound that holds now ends at the latest. */
  until: number;
}

/** Counts a try at the password of an account, or of what was typed where there is none. */
export const countAttempt = async (store: Store, settings: Settings, now: number, key: string): Promise<Attempt> => {
  const window_ends = now + settings.login_window * 1000;
  const tries = await store.increment(loginAttempts, `window:${key}`, { expires_at: window_ends });
  const day = await store.get(loginAttempts, `day:${key}`);
  const spent = (day?.value.count ?? 0) >= MAX_PER_DAY;
  return {
    tries,
    throttled: spent || tries > settings.login_attempts,
    justThrottled: tries === settings.login_attempts + 1,
    until: spent ? Math.max(day?.expires_at ?? 0, window_ends) : window_ends,
  };
};

/** Counts a failure towards the day. A throttled try is none: it was not judged, and waiting has to help. */
export const countFailure = async (store: Store, now: number, key: string): Promise<void> => {
  await store.increment(loginAttempts, `day:${key}`, { expires_at: now + DAY_MS });
};

/** Forgets the failures of an account whose owner has shown up. */
export const clearAttempts = async (store: Store, key: string): Promise<void> => {
  for (const id of [`window:${key}`, `day:${key}`]) {
    const counter = await store.get(loginAttempts, id);
    if (!counter) continue;
    // a try that is counted at this moment stays counted; counters are not worth waiting for the disk
    await store.transact([remove(loginAttempts, counter)], [], { durability: 'deferred' }).catch((thrown) => {
      if (!(thrown instanceof WriteConflict)) throw thrown;
    });
  }
};
