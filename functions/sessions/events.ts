import * as z from 'zod';
import { eventType } from '../../shared/kit/event.ts';

export const END_REASONS = [
  'logout',
  'ended_by_user',
  'revoked',
  'reuse_detected',
  'password_changed',
  'user_inactive',
  'too_many_sessions',
  'factors_changed',
  'email_changed',
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** A session ended, or all of a user's did (`session_id` left out) except perhaps one. */
export const sessionRevoked = eventType({
  type: 'session.revoked',
  key: 'session.events.revoked',
  data: z.strictObject({
    user_id: z.string(),
    session_id: z.string().optional(),
    except_session_id: z.string().optional(),
    reason: z.enum(END_REASONS),
  }),
});
