/** How long to wait before the next try. Exponential with jitter, so that what failed together does not return together. */
import type { Ids } from '../ports/clock.ts';

/** Milliseconds before try 2, 3, … of a message at a consumer; after the last one it is parked. */
export const RETRY_STEPS = [1_000, 5_000, 30_000, 120_000, 600_000] as const;

/** How often a consumer tries a message, the first time included. */
export const MAX_ATTEMPTS = RETRY_STEPS.length + 1;

const JITTER = 0.2;

/** The step with up to 20 % more or less. `random` is in [0, 1). */
const jittered = (ms: number, random: number): number => Math.round(ms * (1 + JITTER * (2 * random - 1)));

/** Wait in ms after attempt number `attempts` (1 is the first) failed; undefined when there is no further one. */
export const retryDelay = (attempts: number, random: number): number | undefined => {
  const step = RETRY_STEPS[attempts - 1];
  return step === undefined ? undefined : jittered(step, random);
};

/** Wait in ms after a bus refused to take an event: never gives up, at most about 30 s. */
export const publishDelay = (attempts: number, random: number): number =>
  jittered(Math.min(30_000, 500 * 2 ** Math.min(attempts - 1, 10)), random);

/** A number in [0, 1) from the ids port, which a test can fix. */
export const unitRandom = (ids: Ids): number => Buffer.from(ids.random(4), 'base64url').readUInt32BE() / 2 ** 32;
