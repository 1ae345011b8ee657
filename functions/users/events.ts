/** Events of accounts. Tokens in them are sealed: only a holder of the platform's secret reads them. */
import * as z from 'zod';
import { eventType } from '../../shared/kit/event.ts';
import { CAUSE_NAMES } from '../sessions/causes.ts';

/** A new account waits for its address to be verified. */
export const userRegistered = eventType({
  type: 'user.registered',
  key: 'user.events.registered',
  data: z.strictObject({
    user_id: z.string(),
    email: z.string(),
    first_name: z.string().optional(),
    last_name: z.string().optional(),
    /** Sealed for purpose `verify-email`. */
    verification_token: z.string(),
    registration_ip: z.string(),
    user_agent: z.string(),
    locale: z.string().optional(),
    /** The user name asked for, when it was not free: told by mail, so that nobody else learns it. */
    username_taken: z.string().optional(),
  }),
});

/** A password was changed or reset; sessions of older generations end. */
export const userPasswordChanged = eventType({
  type: 'user.password_changed',
  key: 'user.events.password_changed',
  data: z.strictObject({
    user_id: z.string(),
    email: z.string(),
    how: z.enum(['changed', 'reset']).default('changed'),
    /** Sessions of earlier ones end; 0 where a producer keeps no count: all sessions end then. */
    generation: z.int().default(0),
    except_session_id: z.string().optional(),
    /** Empty where a producer does not tell it, as the next. */
    ip_address: z.string().default(''),
    user_agent: z.string().default(''),
    locale: z.string().optional(),
  }),
});

/** An account has another address now, or the one of before again (`undone`). */
export const userEmailChanged = eventType({
  type: 'user.email_changed',
  key: 'user.events.email_changed',
  data: z.strictObject({
    user_id: z.string(),
    email: z.string(),
    old_email: z.string(),
    how: z.enum(['changed', 'undone']),
    ip_address: z.string().default(''),
    user_agent: z.string().default(''),
  }),
});

/** An administrator or the platform moved an account to another status. */
export const userStatusChanged = eventType({
  type: 'user.status_changed',
  key: 'user.events.status_changed',
  data: z.strictObject({
    user_id: z.string(),
    old_status: z.string(),
    new_status: z.string(),
    generation: z.int(),
    reason: z.string().optional(),
  }),
});

/** Every session of an account ended that is older than a generation, perhaps but one; no password or status changed. */
export const userSessionsEnded = eventType({
  type: 'user.sessions_ended',
  key: 'user.events.sessions_ended',
  data: z.strictObject({
    user_id: z.string(),
    generation: z.int(),
    except_session_id: z.string().optional(),
    /** Why, by the table of causes; an administrator or the user where it is left out. */
    cause: z.enum(CAUSE_NAMES).optional(),
  }),
});

/** An account is gone for good; whoever keeps something of it deletes that, too. */
export const userDeleted = eventType({
  type: 'user.deleted',
  key: 'user.events.deleted',
  data: z.strictObject({ user_id: z.string() }),
});

/** Somebody asked for a new password for an address, known or not: the answer to the request is the same either way. */
export const passwordResetRequested = eventType({
  type: 'user.password_reset_requested',
  key: 'user.events.password_reset_requested',
  data: z.strictObject({ email: z.string(), ip_address: z.string(), user_agent: z.string() }),
});
