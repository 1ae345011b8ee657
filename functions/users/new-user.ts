/** What an account is registered with. */
import * as z from 'zod';
import { Email, Locale, NewUsername, Password, PersonName, PhoneNumber } from './model.ts';

export const NewUser = z.strictObject({
  email: Email,
  password: Password,
  username: NewUsername.optional(),
  first_name: PersonName.optional(),
  last_name: PersonName.optional(),
  phone_number: PhoneNumber.optional(),
  locale: Locale.optional(),
  profile: z
    .record(z.string().max(32), z.string().max(4_096))
    .optional()
    .meta({ description: "Fields of the operator's own" }),
});
