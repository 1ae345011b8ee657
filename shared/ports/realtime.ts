/** Users who listen: what is told to one reaches every connection of his that this process holds, whatever carries it. */

import type { Trace } from './tracer.ts';

/** What a listener gets, as it goes over the wire. */
export interface Frame {
  /** UUIDv7 of the message that it is of, by which a listener tells what came twice and resumes. */
  id: string;
  type: 'hello' | 'notification' | 'delivery' | 'permissions.changed' | 'session.ended';
  /** Unix seconds. */
  at: number;
  data: Record<string, unknown>;
}

/** Who listens, by the access token that let him in. */
export interface Listener {
  user_id: string;
  session_id: string;
  jti: string;
  generation: number;
  /** Unix seconds: the end of the token, and of the channel. */
  expires_at: number;
}

/** Frames may have been missed: those since a time (unix ms) have to be looked up. */
export interface Gap {
  missed_since: number;
}

/** The connection is still there, which is told now and then to who shows that. */
export interface Renewal {
  renew: true;
}

/** Who takes what a channel hands on. */
export interface ChannelTaker {
  /** The next one waits for what it gives. What it throws ends the channel. */
  take(item: Frame | Gap | Renewal): void | Promise<void>;
  /**
   * Told once: the listener closed it, or why it ended: with what `take` threw, or AppError `unauthenticated` when session or
   * token ended, `too_many_requests` when the listener was too slow, `unavailable` when it can't be known whether the session
   * goes on.
   */
  over(failure?: { thrown: unknown }): void;
}

/** One open connection's frames, in the order in which they were told. */
export interface Channel {
  /** Hands on each, once called. */
  each(taker: ChannelTaker): void;
  close(): void;
}

export interface Realtime {
  /** How often a connection shows that it lives. */
  readonly heartbeat_ms: number;
  /** Opens a channel. @throws AppError `too_many_requests` when the user has many open */
  open(listener: Listener): Channel;
  /**
   * @param trace in which it is told: until a connection takes the frame is a span of it
   * @returns how many channels it was told to
   */
  tell(user_id: string, frame: Frame, trace?: Trace): number;
  /** Whether a device of a session listens here. */
  holds(of: { user_id: string; session_id: string }): boolean;
  /** Ends the channels of a session, or of all sessions of a user but one, with a last frame. */
  end(of: { user_id: string; session_id?: string; except_session_id?: string }, frame: Frame): void;
  /** From now on frames may be missing … */
  missed(): void;
  /** … until now: each channel is told what to look up. */
  resumed(): void;
}
