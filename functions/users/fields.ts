/** Which fields of a user are asked for, and a user as the message of proto/. */
import * as z from 'zod';
import { USER_FIELDS, type User } from './model.ts';
import { USER_STATUSES } from './status.ts';

/** `?fields=a,b` or a list; all when it is left out. */
export const Fields = z
  .union([z.string().transform((list) => list.split(',').filter(Boolean)), z.array(z.string())])
  .pipe(z.array(z.enum(USER_FIELDS as [keyof User, ...(keyof User)[]])).max(USER_FIELDS.length))
  .optional();

/** The status goes by its number. */
export const toMessage = (user: Partial<User>): object => ({
  ...user,
  ...(user.status && { status: USER_STATUSES.indexOf(user.status) }),
});
