import { type Counter, collection } from '../../shared/ports/store.ts';
import type { Amr } from '../auth/model.ts';
import type { Usual } from './risk.ts';

/** A login on one device. Times are unix seconds. */
export interface SessionRecord {
  user_id: string;
  /** The user's token generation when it began, raised when the session is spared by a password change. */
  generation: number;
  /** Counts the refresh tokens; each rotation is a compare-and-set of it. */
  refresh_generation: number;
  /** Of the one refresh token that is valid now. */
  refresh_hash: string;
  /** The token before it, for a client that races itself: who presents it within the grace gets the same successor. */
  parent?: { hash: string; rotated_at_ms: number; client: string; sealed_successor: string };
  /** Refreshes of the minute that began then. */
  busy?: { since_ms: number; refreshes: number };
  created_at: number;
  last_used_at: number;
  absolute_expires_at: number;
  ip_address: string;
  user_agent: string;
  device_info: Record<string, string>;
  /** Where it was begun, as far as that is known: country, region, city. */
  location?: Record<string, string>;
  /** How it was proven (RFC 8176); older ones have none. */
  amr?: Amr;
}

export const sessions = collection<SessionRecord>()('sessions', {
  indexes: { by_user: { hash: (session) => session.user_id, sort: (_, id) => id } },
});

/** What the logins of a user have left: which sessions they began, and what they were like. */
export interface LoginsRecord extends Usual {
  /** Oldest first. Some may have ended: they are taken out when the list is full. */
  session_ids: string[];
}

/** By user id: one record, so that of logins at once each sees the other. */
export const logins = collection<LoginsRecord>()('logins');

/** By a keyed hash of what and whose: how the clients of an account changed within a day (risk.ts). */
export const clientChanges = collection<Counter>()('client_changes', { counts: true });
