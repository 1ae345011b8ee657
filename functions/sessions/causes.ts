/**
 * What ends sessions, as data: of each cause which sessions of the user end, and what is told as the reason. Whoever ends
 * sessions reads it here, and each row has a test.
 */
import type { TokenError } from '../../shared/ports/tokens.ts';
import type { EndReason } from './events.ts';

/** `one`: that session. `others`: all but the session that asked. `all`: every one. `oldest`: the one that was used least lately. */
export type Ends = 'one' | 'others' | 'all' | 'oldest';

interface Row {
  ends: Ends;
  /** In `session.revoked`. */
  reason: EndReason;
  /** What an access token of such a session is refused with. */
  error: Extract<TokenError, 'session_ended' | 'user_inactive'>;
}

const row = (ends: Ends, reason: EndReason, error: Row['error'] = 'session_ended'): Row => ({ ends, reason, error });

export const CAUSES = {
  logout: row('one', 'logout'),
  /** From the list of one's own devices. */
  ended_by_user: row('one', 'ended_by_user'),
  others_ended_by_user: row('others', 'ended_by_user'),
  /** The user says that somebody else was there: the session that says so may be his. */
  not_me: row('all', 'ended_by_user'),
  /** RFC 7009. */
  refresh_token_revoked: row('one', 'revoked'),
  refresh_token_reused: row('one', 'reuse_detected'),
  /** One session more than a user may have began. */
  too_many_sessions: row('oldest', 'too_many_sessions'),
  password_changed: row('others', 'password_changed'),
  password_reset: row('all', 'password_changed'),
  factor_enabled: row('others', 'factors_changed'),
  factor_removed: row('others', 'factors_changed'),
  /** By the link that the old address got. */
  email_change_undone: row('all', 'email_changed'),
  /** To any status but active. */
  status_changed: row('all', 'user_inactive', 'user_inactive'),
  account_deleted: row('all', 'user_inactive', 'user_inactive'),
  administrator: row('all', 'revoked'),
} as const satisfies Record<string, Row>;

export type Cause = keyof typeof CAUSES;
export const CAUSE_NAMES = Object.keys(CAUSES) as [Cause, ...Cause[]];

/** The session that a cause spares, of the one that asked. @example spared('password_changed', session_id) */
export const spared = (cause: Cause, session_id: string | undefined): string | undefined =>
  CAUSES[cause].ends === 'others' ? session_id : undefined;
