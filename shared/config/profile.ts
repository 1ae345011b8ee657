/** The fields that an operator adds to the accounts of his users: `PERFECT21_PROFILE_FIELDS`. */
import * as z from 'zod';
import type { ProfileFields } from '../ports/settings.ts';
import { plainly } from './plainly.ts';
import { StartError } from './start-error.ts';

const Field = z
  .strictObject({
    type: z.enum(['text', 'integer', 'number', 'boolean', 'date', 'url', 'choice']).default('text'),
    /** Code points of a text or address. */
    max_length: z.int().min(1).max(1_000).default(200),
    min: z.number().optional(),
    max: z.number().optional(),
    choices: z.array(z.string().min(1).max(100)).min(1).max(100).optional(),
    /** Asked for at registration where users may write it; nobody empties it. */
    required: z.boolean().default(false),
    /** `user`: its owner, too. */
    write: z.enum(['user', 'admin']).default('user'),
    read: z.enum(['user', 'admin']).default('user'),
  })
  .refine(
    ({ type, choices }) => (type === 'choice') === (choices !== undefined),
    'type choice has choices, others none',
  )
  .refine(({ write, read }) => write === 'admin' || read === 'user', 'who may write a field may read it')
  .refine(({ write, required }) => write === 'user' || !required, 'only what users write can be required');

const Fields = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'names are a to z, 0 to 9 and _, 32 at most'), Field)
  .refine((fields) => Object.keys(fields).length <= 32, 'there are 32 fields at most');

/**
 * @throws StartError with what is wrong with it
 * @example profileOf('{"company":{"max_length":80},"tier":{"type":"choice","choices":["free","pro"],"write":"admin"}}')
 */
export const profileOf = (text: string): ProfileFields => {
  const refuse = (why: string): never => {
    throw new StartError(`PERFECT21_PROFILE_FIELDS is not usable: ${why}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse('it is no JSON, as in {"company":{"max_length":80}}');
  }
  const parsed = Fields.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const key = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
  return refuse(`${issue.path.join('.')}${issue.path.length ? ': ' : ''}${key ?? plainly(issue)}`);
};
