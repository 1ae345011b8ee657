/** Which of several instances takes the next call. */
import { hash } from 'node:crypto';
import type { Config } from '../../config/config.ts';
import type { Instance } from './discovery.ts';

/** An instance that can be chosen. */
export interface Candidate extends Instance {
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

/** What the heaviest instance counts in a turn; the others a part of it. */
const FULL = 65_535;
const weightOf = ({ weight = 1 }: Candidate): number => weight;

/**
 * Each in turn, as often as its weight says against the heaviest one's. The counter goes on when instances come and go, so that
 * nobody is always the first.
 *
 * By stride, as gRPC's weighted_round_robin does: each round passes over those whose turn it is not, spread over the rounds.
 */
export const roundRobin = (): Policy => {
  let turn = 0;
  return (candidates) => {
    const heaviest = Math.max(...candidates.map(weightOf));
    for (;;) {
      const at = turn % candidates.length;
      const round = Math.floor(turn / candidates.length);
      turn += 1;
      const candidate = candidates[at]!;
      const share = Math.max(1, Math.round((weightOf(candidate) / heaviest) * FULL));
      if ((share * round + ((at * FULL) >> 1)) % FULL >= FULL - share) return candidate;
    }
  };
};

/** By weight. @param random gives numbers in [0, 1) */
export const randomly =
  (random: () => number): Policy =>
  (candidates) => {
    let left = random() * candidates.reduce((sum, candidate) => sum + weightOf(candidate), 0);
    for (const candidate of candidates) {
      left -= weightOf(candidate);
      if (left < 0) return candidate;
    }
    return candidates.at(-1)!;
  };

/** The one with the fewest calls in flight for its weight; among equals in turn, or the first would take all of a quiet time. */
export const leastConnections = (): Policy => {
  const inTurn = roundRobin();
  const loadOf = (candidate: Candidate): number => candidate.calls / weightOf(candidate);
  return (candidates, key) => {
    const fewest = Math.min(...candidates.map(loadOf));
    return inTurn(
      candidates.filter((candidate) => loadOf(candidate) === fewest),
      key,
    );
  };
};

/** More than its share that an instance may have in flight before its keys go on to the next one; and what it may always have. */
const BOUND = { over: 1.25, always: 8 };

/**
 * The same instance for the same key, by rendezvous hashing (Thaler and Ravishankar, 1998), weighted: the one that scores
 * highest with the key. When an instance goes only its keys move, when one comes it takes its share and no other moves;
 * no ring has to be kept. A hash takes about a microsecond for each instance.
 *
 * With bounded loads (Mirrokni, Thorup and Zadimoghaddam, 2016): a key that everybody asks for does not drown its instance. One
 * that has 1.25 times its share of the calls in flight, and more than a few, is passed over for the next in the key's order.
 */
export const consistentHash = (): Policy => (candidates, key) => {
  const flying = candidates.reduce((sum, { calls }) => sum + calls, 1);
  const weights = candidates.reduce((sum, candidate) => sum + weightOf(candidate), 0);
  const takes = (candidate: Candidate): boolean =>
    candidate.calls < Math.max(BOUND.always, Math.ceil((BOUND.over * flying * weightOf(candidate)) / weights));
  let [best, highest] = [candidates[0]!, Number.NEGATIVE_INFINITY];
  for (const candidate of candidates) {
    // somebody takes it: not all can have more than their share
    if (!takes(candidate)) continue;
    const uniform = (Number.parseInt(hash('sha256', `${candidate.address} ${key}`).slice(0, 13), 16) + 0.5) / 2 ** 52;
    const score = weightOf(candidate) / -Math.log(uniform);
    if (score > highest) [best, highest] = [candidate, score];
  }
  return best;
};

/**
 * Those in a zone, where there are any: calls within a zone are quicker, and cost nothing. All of them otherwise.
 *
 * As Kubernetes' `trafficDistribution: PreferSameZone`: whoever has callers in each zone has instances in each.
 */
export const nearest = <C extends Candidate>(candidates: readonly C[], zone: string | undefined): readonly C[] => {
  if (zone === undefined) return candidates;
  const near = candidates.filter((candidate) => candidate.zone === zone);
  return near.length > 0 ? near : candidates;
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
