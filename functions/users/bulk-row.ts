/** Accounts as rows: what an import takes and answers, and what an export gives. */
import * as z from 'zod';
import { Email, Locale, PersonName, PhoneNumber, User, Username } from './model.ts';
import { USER_STATUSES } from './status.ts';

/** States that an account may come in; who only waits for a mail registers. */
const IMPORTED = ['active', 'locked', 'suspended'] as const;

export const ExternalId = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'Has characters that are no text');

export const ImportRow = z.strictObject({
  external_id: ExternalId.optional().meta({
    description: "The other system's id: a row that came before is known by it",
  }),
  email: Email,
  email_verified: z.boolean().default(true),
  username: Username.optional(),
  first_name: PersonName.optional(),
  last_name: PersonName.optional(),
  phone_number: PhoneNumber.optional(),
  phone_verified: z.boolean().default(false),
  locale: Locale.optional(),
  status: z.enum(IMPORTED).default('active'),
  created_at: z.int().min(0).max(4_102_444_800).optional().meta({ description: 'Unix seconds; now when left out' }),
  password_hash: z.string().max(1_024).optional().meta({
    description: 'argon2id, bcrypt, scrypt, Firebase scrypt or PBKDF2; without one its owner asks for a new password',
  }),
  profile: z.record(z.string().max(32), z.string().max(4_096)).optional(),
});
export type ImportRow = z.output<typeof ImportRow>;

/** What became of a row; answers come in the order of the rows. */
export const ImportAnswer = z.object({
  row: z.int().meta({ description: 'Its number; the first is 1' }),
  status: z.enum(['created', 'exists', 'failed']),
  external_id: z.string().optional(),
  user_id: z.string().optional(),
  code: z.string().optional().meta({ description: 'Of what is wrong with it, as in problems' }),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type ImportAnswer = z.input<typeof ImportAnswer>;

export const ExportRow = User.extend({ external_id: z.string().optional(), locale: z.string().optional() });

export const ExportAsked = z.strictObject({
  status: z.enum(USER_STATUSES).optional(),
  after: z.string().max(128).optional().meta({ description: 'The id in the last row that arrived: goes on behind it' }),
});
