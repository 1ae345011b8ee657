/** Pure rules about accounts. */
import { domainToASCII } from 'node:url';
import * as z from 'zod';
import type { Stored } from '../../shared/ports/store.ts';
import type { UserRecord } from './records.ts';
import { isReserved } from './reserved-names.ts';
import { USER_STATUSES } from './status.ts';

/** RFC 5321 without quoting and literals: a dot-atom of at most 64, and a domain of at least two labels. */
const ATOM = "[a-z0-9!#$%&'*+/=?^_`{|}~-]+";
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const ADDRESS = new RegExp(`^(?=[^@]{1,64}@)${ATOM}(?:\\.${ATOM})*@${LABEL}(?:\\.${LABEL})*\\.(?!\\d+$)${LABEL}$`);

/** One form for all spellings of an address: NFKC, lower case, domain in ASCII (RFC 5890). Undefined: not an address. */
export const canonicalEmail = (raw: string): string | undefined => {
  const text = raw.normalize('NFKC').trim();
  const at = text.lastIndexOf('@');
  if (at < 1) return undefined;
  const typed = text.slice(at + 1);
  // URL syntax has no place here, though the conversion would read it
  const domain = /^[\p{L}\p{M}\p{N}.-]+$/u.test(typed) ? domainToASCII(typed) : '';
  const email = `${text.slice(0, at).toLowerCase()}@${domain}`;
  return email.length <= 254 && ADDRESS.test(email) ? email : undefined;
};

/** The mailbox of a canonical address, which has as many addresses as its owner wants: what stands behind `+` is left out. */
export const mailboxOf = (email: string): string => email.replace(/\+[^@]*(?=@)/, '');

/** An address in its canonical form. */
export const Email = z
  .string()
  .max(320)
  .transform((raw, context) => {
    const email = canonicalEmail(raw);
    if (email !== undefined) return email;
    context.addIssue({ code: 'custom', message: 'Not an e-mail address' });
    return z.NEVER;
  })
  .pipe(z.string())
  .meta({ format: 'email', examples: ['ada@example.org'] });

/** 3 to 64 letters, digits, dots, dashes and underscores: never mistaken for an e-mail address. */
export const Username = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{2,63}$/, 'Use 3 to 64 letters, digits, ". _ -"');

/** A user name that somebody may choose. */
export const NewUsername = Username.refine((text) => !isReserved(text), 'This name is reserved. Choose another one');

const name = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Cs}<>]*$/u, 'Contains characters that names do not have');
export const PersonName = name;
export const PhoneNumber = z.string().regex(/^\+[1-9]\d{6,14}$/, 'Use E.164, e.g. +4917012345678');
/** BCP 47, as far as templates need it. */
export const Locale = z
  .string()
  .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$/, 'Use a language tag, e.g. en or zh-CN');

/** Length is judged by policy (code points); this bound only keeps the work small. */
export const Password = z.string().min(1).max(4096).meta({ format: 'password' });

/** The key in `identifiers` of what somebody typed at a login: an address if it has an @, else a user name. */
export const identifierKey = (typed: string): string | undefined => {
  const name = typed.trim();
  if (typed.normalize('NFKC').includes('@')) {
    const email = canonicalEmail(typed);
    return email && `email:${email}`;
  }
  return Username.safeParse(name).success ? usernameKey(name) : undefined;
};
export const emailKey = (email: string): string => `email:${email}`;
export const externalKey = (external_id: string): string => `external:${external_id}`;
export const usernameKey = (username: string): string => `username:${username.toLowerCase()}`;

/** A user as callers see one. */
export const User = z.object({
  id: z.string(),
  email: z.string(),
  username: z.string(),
  first_name: z.string(),
  last_name: z.string(),
  phone_number: z.string(),
  status: z.enum(USER_STATUSES),
  is_active: z.boolean(),
  is_verified: z.boolean(),
  mfa_enabled: z.boolean(),
  created_at: z.int().meta({ description: 'Unix seconds' }),
  last_login_at: z.int().meta({ description: 'Unix seconds; 0 for never' }),
  profile: z.record(z.string(), z.string()),
});
export type User = z.output<typeof User>;
export const USER_FIELDS = Object.keys(User.shape) as (keyof User)[];

export const toUser = ({ id, value }: Stored<UserRecord>): User => ({
  id,
  email: value.email,
  username: value.username ?? '',
  first_name: value.first_name ?? '',
  last_name: value.last_name ?? '',
  phone_number: value.phone_number ?? '',
  status: value.status,
  is_active: value.status === 'active',
  is_verified: value.verified,
  mfa_enabled: value.mfa_enabled,
  created_at: value.created_at,
  last_login_at: value.last_login_at ?? 0,
  profile: value.profile,
});

/** Only the fields asked for; all of them when none is named. */
export const pickFields = (user: User, fields: readonly (keyof User)[] = []): Partial<User> =>
  fields.length === 0 ? user : (Object.fromEntries(fields.map((field) => [field, user[field]])) as Partial<User>);
