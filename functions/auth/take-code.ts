/**
 * Taking a code of a second factor: the one place where that is done, for a login and for what asks a user again.
 *
 * A try is counted before the code is compared, so that parallel guesses can't outrun the bound; it has counts of its own
 * beside those of the password, by account and by who tries (attempts.ts). Each code is good once: a step of the app by
 * one atomic increment, a recovery code by a conditional write. What takes a code and fails then gives it back.
 */
import { counterKey } from '../../shared/kit/counter-key.ts';
import { AppError } from '../../shared/kit/errors.ts';
import type { OperationStore } from '../../shared/kit/operation.ts';
import { retryConflict } from '../../shared/kit/retry-conflict.ts';
import type { Ports } from '../../shared/ports/index.ts';
import { type Stored, update, WriteConflict } from '../../shared/ports/store.ts';
import { ATTEMPT_PORTS, clearAttempts, countAttempt, countFailure, type Guesser, isNews } from './attempts.ts';
import { recommendedActions, securityAlert } from './events.ts';
import { type FactorRecord, factors, loginAttempts, spentCodes } from './records.ts';
import { recoveryHash } from './recovery-codes.ts';
import { openSeed } from './seed.ts';
import { CODE_LIFE_MS, DRIFT, stepWithCode } from './totp.ts';

/** What an operation that takes codes declares. */
export const CODE_PORTS = [...ATTEMPT_PORTS, 'vault'] as const;
export const CODE_READS = [factors, loginAttempts] as const;
export const CODE_WRITES = [factors, loginAttempts, spentCodes] as const;
type Names = (typeof CODE_WRITES)[number]['name'];

export type CodeGiven = Pick<Ports, (typeof CODE_PORTS)[number]> & {
  store: OperationStore<Names, Names, typeof securityAlert.type>;
};

/** Who gives the code: whose it is, what is known of the device or session, and from where. */
export interface CodeGiver {
  user_id: string;
  known?: string;
  ip_address: string;
  user_agent: string;
}

/** A code that was right. */
export interface TakenCode {
  /** The factor as it is now. */
  factor: Stored<FactorRecord>;
  /** Makes it good again: what it was taken for did not happen. */
  giveBack(): Promise<void>;
}

const guesserOf = ({ user_id, known, ip_address }: CodeGiver): Guesser => ({
  account: `code:${user_id}`,
  known,
  ip_address,
});

/** What is still taken before the newest step that is. */
const OLDER = Array.from({ length: 2 * DRIFT }, (_, n) => n + 1);

/** Six digits, however grouped. */
const typed = (code: string): string => code.replace(/\s/g, '');

/** Takes a step of the app: the first of all who try has it. */
const takeStep = async (
  { store, clock, secrets, vault }: CodeGiven,
  factor: Stored<FactorRecord>,
  code: string,
): Promise<TakenCode | undefined> => {
  const { factor_id, sealed_seed } = factor.value;
  const step = stepWithCode(await openSeed(vault, factor.id, sealed_seed), typed(code), clock.now());
  if (step === undefined) return undefined;
  const expires_at = clock.now() + 2 * CODE_LIFE_MS;
  const count = (back: number, by: 1 | -1): Promise<number> =>
    store.increment(spentCodes, counterKey(secrets, 'code', factor_id, String(step - back)), { by, expires_at });
  if ((await count(0, 1)) > 1) return undefined;
  // older steps go with it: whoever saw an earlier code can't come after
  await Promise.all(OLDER.map((back) => count(back, 1)));
  return { factor, giveBack: async () => void (await Promise.all([0, ...OLDER].map((back) => count(back, -1)))) };
};

const guessed = ({ user_id, ip_address, user_agent }: CodeGiver) =>
  securityAlert.with(
    {
      user_id,
      alert_type: 'codes_guessed',
      severity: 'high',
      description:
        'Somebody who knows your password tries codes of your second factor; further tries are refused for now',
      details: {},
      ip_address,
      user_agent,
      recommended_actions: recommendedActions('high'),
    },
    { user_id },
  );

const used = ({ user_id, ip_address, user_agent }: CodeGiver, left: number) =>
  securityAlert.with(
    {
      user_id,
      alert_type: 'recovery_code_used',
      severity: 'medium',
      description: `A recovery code of your account was used; ${left} are left`,
      details: { left },
      ip_address,
      user_agent,
      recommended_actions: recommendedActions('medium'),
    },
    { user_id },
  );

/** Takes a recovery code out of those that are left, and tells the owner. */
const takeRecovery = async ({ store }: CodeGiven, hash: string, who: CodeGiver): Promise<TakenCode | undefined> =>
  retryConflict(async () => {
    const factor = await store.get(factors, who.user_id);
    if (!factor?.value.recovery.includes(hash)) return undefined;
    const { factor_id } = factor.value;
    const recovery = factor.value.recovery.filter((each) => each !== hash);
    await store.transact([update(factors, factor, { ...factor.value, recovery })], [used(who, recovery.length)]);
    const giveBack = () =>
      retryConflict(async () => {
        const now = await store.get(factors, who.user_id);
        if (now?.value.factor_id !== factor_id) return;
        await store.transact([update(factors, now, { ...now.value, recovery: [...now.value.recovery, hash] })]);
      });
    return { factor: (await store.get(factors, who.user_id)) ?? factor, giveBack };
  });

/**
 * Takes a code of a factor, or says that it is wrong.
 *
 * @throws AppError `too_many_requests` while further tries are not judged
 */
export const takeCode = async (
  given: CodeGiven,
  factor: Stored<FactorRecord>,
  code: string,
  who: CodeGiver,
): Promise<TakenCode | undefined> => {
  const guesser = guesserOf(who);
  const attempt = await countAttempt(given, guesser);
  if (attempt.throttled) {
    throw new AppError('too_many_requests', { retry_after: (attempt.until - given.clock.now()) / 1000 });
  }
  const hash = factor.value.confirmed_at === undefined ? undefined : recoveryHash(code);
  const taken = await (hash ? takeRecovery(given, hash, who) : takeStep(given, factor, code));
  if (taken) {
    await clearAttempts(given, guesser);
    return taken;
  }
  await countFailure(given, guesser);
  if (attempt.last && (await isNews(given, guesser))) await given.store.transact([], [guessed(who)]);
  return undefined;
};

/** Gives the code back where what it was taken for fails. */
export const unlessItFails = async (taken: Pick<TakenCode, 'giveBack'>, work: Promise<void>): Promise<void> => {
  try {
    await work;
  } catch (thrown) {
    await taken.giveBack().catch(() => {});
    throw thrown instanceof WriteConflict ? new AppError('conflict', { cause: thrown }) : thrown;
  }
};
