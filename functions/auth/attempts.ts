/**
 * Bounds on guessing a password (SP 800-63B-4 §3.2.2, OWASP "Device Cookies"), the same for every way to try one. A try is
 * counted before the password is compared, so that parallel guesses can't outrun it.
 *
 * Who tries has a count: `login_attempts` in a window and a number of failures in a day. A device that logged in before, and a session that
 * asks for the password again, have one of their own. Everybody else shares one by network, and all of them together
 * 100 failures of an account in a day. So a stranger shuts out his own network, and never a device of the owner.
 */
import { counterKey } from '../../shared/kit/counter-key.ts';
import { networkOf } from '../../shared/kit/network.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { remove, WriteConflict } from '../../shared/ports/store.ts';
import { loginAttempts } from './records.ts';

/** What counting needs. */
export const ATTEMPT_PORTS = ['clock', 'secrets', 'settings'] as const;
type Given = Pick<Ports, (typeof ATTEMPT_PORTS)[number]> & {
  store: OperationStore<'login_attempts', 'login_attempts', string>;
};

const DAY_MS = 86_400_000;
/** Failures in a day: of a known device, of a network, of all who are not known. */
const A_DAY = { known: 100, network: 50, strangers: 100 };

/** Who tries: at whose password (or at what, where there is none), and what is known of him. */
export interface Guesser {
  /** A user's id, or the identifier that nobody has. */
  account: string;
  /** A device that logged in before, or the session that asks. */
  known?: string;
  /** Of anybody else. */
  ip_address: string;
}

export interface Attempt {
  /** Tries in this window, this one included. */
  tries: number;
  throttled: boolean;
  /** Failures of this guesser, and of all who are not known where he is one of them. */
  failures: number;
  /** If this one fails, the next will be refused. */
  last: boolean;
  /** Unix ms at which the bound that holds now ends at the latest. */
  until: number;
}

/** The ids of the counts of a guesser: his own, and that of all strangers. */
const countsOf = ({ secrets }: Pick<Ports, 'secrets'>, { account, known, ip_address }: Guesser) => ({
  own: counterKey(secrets, 'login', account, ...(known ? ['known', known] : ['network', networkOf(ip_address)])),
  most: known ? A_DAY.known : A_DAY.network,
  strangers: known ? undefined : counterKey(secrets, 'login', account, 'strangers'),
});

/** Counts a try. */
export const countAttempt = async (given: Given, guesser: Guesser): Promise<Attempt> => {
  const { store, settings, clock } = given;
  const { own, most, strangers } = countsOf(given, guesser);
  const now = clock.now();
  const window_ends = now + settings.login_window * 1000;
  const tries = await store.increment(loginAttempts, `window:${own}`, { expires_at: window_ends });
  const days = await store.getMany(
    loginAttempts,
    [own, ...(strangers ? [strangers] : [])].map((id) => `day:${id}`),
  );
  const mine = days.get(`day:${own}`);
  const theirs = strangers ? days.get(`day:${strangers}`) : undefined;
  const [failed, failedAll] = [mine?.value.count ?? 0, theirs?.value.count ?? 0];
  const spent = failed >= most ? mine : failedAll >= A_DAY.strangers ? theirs : undefined;
  return {
    tries,
    failures: Math.max(failed, failedAll),
    throttled: spent !== undefined || tries > settings.login_attempts,
    last: tries === settings.login_attempts || failed === most - 1 || failedAll === A_DAY.strangers - 1,
    until: Math.max(spent?.expires_at ?? 0, window_ends),
  };
};

/** Counts a failure towards the day. A throttled try is none: it was not judged, and waiting has to help. */
export const countFailure = async (given: Given, guesser: Guesser): Promise<void> => {
  const { own, strangers } = countsOf(given, guesser);
  const expires_at = given.clock.now() + DAY_MS;
  await given.store.increment(loginAttempts, `day:${own}`, { expires_at });
  if (strangers) await given.store.increment(loginAttempts, `day:${strangers}`, { expires_at });
};

/** True once a day for an account: its owner is told once that somebody is kept out, not with every window. */
export const isNews = async ({ store, clock, secrets }: Given, { account }: Guesser): Promise<boolean> => {
  const id = `told:${counterKey(secrets, 'login', account, 'told')}`;
  return (await store.increment(loginAttempts, id, { expires_at: clock.now() + DAY_MS })) === 1;
};

/** Forgets the failures of a guesser who knew the password, and those of all strangers: they were no row any more. */
export const clearAttempts = async (given: Given, guesser: Guesser): Promise<void> => {
  const { store, secrets } = given;
  const { own } = countsOf(given, guesser);
  const strangers = counterKey(secrets, 'login', guesser.account, 'strangers');
  for (const id of [`window:${own}`, `day:${own}`, `day:${strangers}`]) {
    const counter = await store.get(loginAttempts, id);
    if (!counter) continue;
    // a try that is counted at this moment stays counted; counters are not worth waiting for the disk
    await store.transact([remove(loginAttempts, counter)], [], { durability: 'deferred' }).catch((thrown) => {
      if (!(thrown instanceof WriteConflict)) throw thrown;
    });
  }
};
