/** Revocations: what ends tokens before their time, how a verifier holds it, and how it comes to hear of it. */
import type { AccessClaims, TokenError } from './tokens.ts';

/** A live revocation: dead are tokens with this jti, this sid, or of this user with a generation below `generation`. */
export interface TokenRevocation {
  kind: 'jti' | 'sid' | 'user';
  value: string;
  /** For kind user: tokens of generations below this are dead … */
  generation?: number;
  /** … except those of this session. */
  except_sid?: string;
  error: 'revoked' | 'session_ended' | 'user_inactive';
  /** Unix ms. */
  created_at: number;
}

/**
 * Permissions that changed under live tokens, which go on living. Concerned are tokens of the user `value` whose claim
 * `pgen` is below `generation`; of kind roles, for roles and policies as a whole, all tokens of users whose `rgen` is. What
 * a service may stands in its credentials alone.
 */
export type PermissionsChange =
  | { kind: 'permissions'; value: string; generation: number; created_at: number }
  | { kind: 'roles'; value: 'all'; generation: number; created_at: number };

export type Revocation = TokenRevocation | PermissionsChange;

/** The claims that revocations are compared with; without `client_id` they are a user's. */
export type RevocableClaims = Pick<AccessClaims, 'jti' | 'sid' | 'sub' | 'gen' | 'pgen' | 'rgen'> &
  Partial<Pick<AccessClaims, 'client_id'>>;
/** Why a token is dead; `permissions_changed` for one that lives, with permissions that may no longer be so. */
export type Finding = TokenError | 'permissions_changed';

/** The live revocations, held in memory, loaded before the first answer and followed since. */
export interface Revocations {
  /** What is known against a token with these claims. Throws AppError `unavailable` when staler than the bound. */
  find(claims: RevocableClaims): Promise<Finding | undefined> | Finding | undefined;
  /** Takes in a revocation made by this process at once, and tells it to who follows this process. */
  learn(revocation: Revocation): void;
  /** True when what is known is older than it should be; a verdict then says so. Never where this is left out. */
  late?(): boolean;
}

/** A place in a feed: the number of the last entry known. Numbers of different epochs have nothing to do with each other. */
export interface FeedPosition {
  epoch: string;
  number: number;
}

/** What a feed tells. `as_of` (unix ms): everything that was visible then has been told with this. */
export type FeedMessage =
  /** All live ones, told first, and again when that is cheaper or surer than to go on. Nothing known before is undone. */
  | { kind: 'snapshot'; at: FeedPosition; revocations: readonly Revocation[]; as_of: number }
  /** Those numbered `after.number + 1` and so on; none at all only moves `as_of`. */
  | { kind: 'entries'; after: FeedPosition; revocations: readonly Revocation[]; as_of: number }
  /** Heard from somebody else than who is followed: known from now on, and no place in the feed. */
  | { kind: 'beside'; revocations: readonly Revocation[] };

/** What a verifier knows, told to others: entries numbered as it came by them, in an epoch of its own. */
export interface RevocationNews {
  /** What came since, or a snapshot where that is not known any more. Undefined before this verifier is caught up. */
  since(from?: FeedPosition): Exclude<FeedMessage, { kind: 'beside' }> | undefined;
  /** Calls back with how many entries are new; with 0 when only time went on. Returns how to stop. */
  onNews(listener: (entries: number) => void): () => void;
  /** Takes in what another verifier told. */
  hear(revocations: readonly Revocation[]): void;
}

/**
 * Tells a verifier of revocations, wherever they come from: the store, this process, a bus, a stream.
 *
 * It may lose messages, tell them twice, or start anew with another epoch: whoever follows sees that by the numbers, and
 * asks for a snapshot. It need not be there at the start.
 */
export interface RevocationFeed {
  /** Calls back from now on, a snapshot first. Returns how to stop. */
  follow(take: (message: FeedMessage) => void): () => void;
  /**
   * Has `take` called with what is new since the position, or with a snapshot where there is none; resolves after that,
   * and rejects when it can't be. For a verifier that was frozen, or found a gap.
   */
  catchUp(from?: FeedPosition): Promise<void>;
}
