/** Events of what users may do. Tokens issued before one of them still say what was so before. */
import * as z from 'zod';
import { eventType } from '../../shared/kit/event.ts';
import { Moment } from '../../shared/kit/moment.ts';

const change = {
  user_id: z.string(),
  /** Who changed it: a user's id or a service's name. */
  changed_by: z.string(),
  reason: z.string().optional(),
};
const until = {
  /** ISO 8601; for good when left out. */
  expires_at: Moment.optional(),
};

/** A user has a role from now on. */
export const roleAssigned = eventType({
  type: 'permission.role_assigned',
  key: 'permission.events.role_assigned',
  data: z.strictObject({ ...change, role: z.string(), ...until }),
});

/** A user has a role no more. */
export const roleRevoked = eventType({
  type: 'permission.role_revoked',
  key: 'permission.events.role_revoked',
  data: z.strictObject({ ...change, role: z.string() }),
});

/** A user was granted a permission (`resource:action:scope`) beside those of the roles. */
export const permissionGranted = eventType({
  type: 'permission.granted',
  key: 'permission.events.granted',
  data: z.strictObject({ ...change, permission: z.string(), ...until }),
});

/** A permission that was granted was taken back. */
export const permissionRevoked = eventType({
  type: 'permission.revoked',
  key: 'permission.events.revoked',
  data: z.strictObject({ ...change, permission: z.string() }),
});
