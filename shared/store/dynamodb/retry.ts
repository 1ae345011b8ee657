/** Tries again where DynamoDB asks for it, within bounds, and knows whether a failed try may have been applied. */
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../kit/errors.ts';

/** What is known about the tries of one call. */
export interface Tried {
  /** A try that failed may have been applied nevertheless: the answer was lost, or a 5xx. */
  unknown: boolean;
}

/**
 * Sends until there is an answer.
 *
 * @param tried is told of lost answers, so that the caller can recognize its own effect
 * @throws AppError `unavailable` when tries, time or the budget are spent; anything not worth another try as it came
 */
export type Attempt = <T>(call: () => Promise<T>, tried?: Tried) => Promise<T>;

const TRIES = 6;
const BASE_MS = 25;
const CAP_MS = 400;
const PATIENCE_MS = 3_000;
/** Retries that may be under way for nothing; success earns them back. Keeps an outage from multiplying the load. */
const BUDGET = 100;
const EARNED = 0.2;

/** Surely not applied: refused before anything happened. */
const REFUSED = new Set([
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'TransactionConflictException',
  'TransactionInProgressException',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
const REFUSED_IN_TRANSACTION = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);
const LOST = new Set(['TimeoutError', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);

interface SdkError {
  name?: string;
  code?: string;
  $metadata?: { httpStatusCode?: number };
  CancellationReasons?: readonly { Code?: string }[];
}

/** Codes of a cancelled transaction, one for each of its items; undefined for any other error. */
export const cancellation = (error: unknown): string[] | undefined => {
  const { name, CancellationReasons } = error as SdkError;
  if (name !== 'TransactionCanceledException') return undefined;
  return CancellationReasons?.map(({ Code }) => Code ?? 'None') ?? [];
};

/** True for the refusal of a condition of a single write. */
export const isConditionFailed = (error: unknown): error is Error & { Item?: Record<string, any> } =>
  (error as SdkError).name === 'ConditionalCheckFailedException';

/** What a failure means for a further try; undefined: there is no use in one. */
export const fateOf = (error: unknown): 'refused' | 'unknown' | undefined => {
  const { name = '', code = '', $metadata } = error as SdkError;
  const codes = cancellation(error)?.filter((each) => each !== 'None');
  if (codes) return codes.length && codes.every((each) => REFUSED_IN_TRANSACTION.has(each)) ? 'refused' : undefined;
  if (REFUSED.has(name) || REFUSED.has(code)) return 'refused';
  return LOST.has(name) || LOST.has(code) || ($metadata?.httpStatusCode ?? 0) >= 500 ? 'unknown' : undefined;
};

/** One for each client. `random` gives numbers in [0, 1) for the jitter. */
export const attempts = (random: () => number): Attempt => {
  let budget = BUDGET;
  return async (call, tried = { unknown: false }) => {
    const started = performance.now();
    for (let count = 1; ; count++) {
      try {
        const answer = await call();
        budget = Math.min(BUDGET, budget + EARNED);
        return answer;
      } catch (error) {
        const fate = fateOf(error);
        if (!fate) throw error;
        if (fate === 'unknown') tried.unknown = true;
        if (count === TRIES || budget < 1 || performance.now() - started > PATIENCE_MS) {
          throw new AppError('unavailable', { retry_after: 1, cause: error });
        }
        budget -= 1;
        await sleep(random() * Math.min(CAP_MS, BASE_MS * 2 ** count));
      }
    }
  };
};
