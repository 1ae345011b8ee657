/** Which of several instances takes the next call. */
import { hash } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import type { Address } from './discovery.ts';

/** An instance that can be chosen. */
export interface Candidate {
  readonly address: Address;
  /** Calls in flight to it, from this process. */
  readonly calls: number;
}

/**
 * Chooses among instances, of which there is at least one. Made for one service: it may remember its turns.
 *
 * @param key what the call is about; equal keys go to the same instance where the policy looks at it
 */
export type Policy = <C extends Candidate>(candidates: readonly C[], key: string) => C;

export type PolicyName = Config['env']['DISCOVERY_POLICY'];

/** Each in turn. The counter goes on when instances come and go, so that nobody is always the first. */
export const roundRobin = (): Policy => {
  let turn = 0;
  return (candidates) => candidates[turn++ % candidates.length]!;
};

/** @param random gives numbers in [0, 1) */
export const randomly =
  (random: () => number): Policy =>
  (candidates) =>
    candidates[Math.floor(random() * candidates.length)]!;

/** The one with the fewest calls in flight; among equals in turn, or the first would take all of a quiet time. */
export const leastConnections = (): Policy => {
  const inTurn = roundRobin();
  return (candidates, key) => {
    const fewest = Math.min(...candidates.map(({ calls }) => calls));
    return inTurn(
      candidates.filter(({ calls }) => calls === fewest),
      key,
    );
  };
};

/**
 * The same instance for the same key, by rendezvous hashing (Thaler and Ravishankar, 1998): the one whose hash with the
 * key is the highest. When an instance goes only its keys move, when one comes it takes its share and no other moves;
 * no ring has to be kept. A hash takes about a microsecond for each instance.
 */
export const consistentHash = (): Policy => (candidates, key) => {
  let [best, highest] = [candidates[0]!, ''];
  for (const candidate of candidates) {
    const weight = hash('sha256', `${candidate.address} ${key}`);
    if (weight > highest) [best, highest] = [candidate, weight];
  }
  return best;
};

/** A policy for one service. @example policy('random', Math.random) */
export const policy = (name: PolicyName, random: () => number): Policy => {
  switch (name) {
    case 'round_robin':
      return roundRobin();
    case 'random':
      return randomly(random);
    case 'least_connections':
      return leastConnections();
    case 'consistent_hash':
      return consistentHash();
  }
};
