/** Live revocations as records: written by whoever ends a session, followed by every verifier. */

import type { Revocation } from '../ports/revocations.ts';
import { collection, insert, type Write } from '../ports/store.ts';
import { CLOCK_LEEWAY, MAX_LIFETIME } from './access-token.ts';

/** How long a revocation matters: the longest token, the leeway of clocks, and as much again as margin. Milliseconds. */
export const REVOCATION_LIFE_MS = (MAX_LIFETIME + CLOCK_LEEWAY + 60) * 1000;

/** Unix ms as a string that sorts by time. */
export const timeKey = (ms: number): string => String(Math.max(0, ms)).padStart(15, '0');

/** `created_at` is in unix milliseconds. */
export const revocations = collection<Revocation>()('revocations', {
  indexes: { live: { hash: () => 'live', sort: ({ created_at }) => timeKey(created_at) } },
});

/**
 * The write that makes a revocation, for the transaction of the change that causes it.
 *
 * @param id unique (a UUIDv7), so that two revocations of one user, session or token never conflict
 * @example
 * const ended: Revocation = { kind: 'sid', value: session_id, error: 'session_ended', created_at: clock.now() };
 * await store.transact([…, toRevocationWrite(ended, ids.uuid())]);
 * revocations.learn(ended);
 */
export const toRevocationWrite = (revocation: Revocation, id: string): Write<'revocations'> =>
  insert(revocations, `${revocation.kind}:${revocation.value}:${id}`, revocation, {
    expires_at: revocation.created_at + REVOCATION_LIFE_MS,
  });
