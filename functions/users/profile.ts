/** The fields that the operator added: who may write and see them, and what they may hold. */
import * as z from 'zod';
import { AppError, type FieldError } from '../../shared/kit/errors.ts';
import type { ProfileField, ProfileFields } from '../../shared/ports/settings.ts';

const NAME_LENGTH = 32;
const MOST = 32;
const VALUE_LENGTH = 4_096;

/** Values by the names of the operator's fields; null empties one. What stands in it is judged by `changedProfile`. */
export const ProfileChange = z
  .record(z.string().max(NAME_LENGTH), z.string().max(VALUE_LENGTH).nullable())
  .refine((fields) => Object.keys(fields).length <= MOST, 'At most 32 fields')
  .meta({ description: "Fields of the operator's own; null empties one" });

const isDate = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true;

/** What is wrong with a value, in words for whoever typed it; undefined: nothing. */
const faultOf = ({ type, max_length, min, max, choices = [] }: ProfileField, text: string): string | undefined => {
  if (text === '' || /\p{Cc}|\p{Cs}/u.test(text.replace(/[\n\t]/g, '')))
    return 'Is empty or has characters that are no text';
  const number = Number(text);
  switch (type) {
    case 'integer':
    case 'number':
      if (!(type === 'integer' ? /^-?\d{1,15}$/ : /^-?\d{1,15}(\.\d{1,15})?$/).test(text)) {
        return type === 'integer' ? 'Use a whole number' : 'Use a number, e.g. 2.5';
      }
      if (min !== undefined && number < min) return `Has to be at least ${min}`;
      return max !== undefined && number > max ? `May be ${max} at most` : undefined;
    case 'boolean':
      return text === 'true' || text === 'false' ? undefined : 'Use true or false';
    case 'date':
      return isDate(text) ? undefined : 'Use a date, e.g. 2026-05-31';
    case 'choice':
      return choices.includes(text) ? undefined : `Use one of ${choices.join(', ')}`;
    case 'url':
      // shown as a link: nothing that a browser would run
      if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return 'Use an address, e.g. https://example.org';
  }
  return [...text].length > max_length ? `May have ${max_length} characters at most` : undefined;
};

/**
 * A profile with its changes, all of them judged. What is not changed stays, also where the operator has taken its field away.
 *
 * @param by `user`: the owner of the account, who may not write the fields of administrators
 * @throws AppError `invalid_request` that names each field (`profile.<name>`)
 */
export const changedProfile = (
  fields: ProfileFields,
  profile: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>>,
  by: 'user' | 'admin',
): Record<string, string> => {
  const errors: FieldError[] = [];
  const changed = new Map(Object.entries(profile));
  for (const [name, value] of Object.entries(changes)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    // a user learns of no field that is not shown to users
    const known = field && (by === 'admin' || field.read === 'user') ? field : undefined;
    const fault = !known
      ? 'There is no such field'
      : by === 'user' && known.write === 'admin'
        ? 'Is not yours to change'
        : value === null
          ? known.required && 'Is required'
          : faultOf(known, value);
    if (fault) errors.push({ path: `profile.${name}`, message: fault });
    else if (value === null) changed.delete(name);
    else changed.set(name, value);
  }
  if (errors.length) throw new AppError('invalid_request', { errors });
  return Object.fromEntries(changed);
};

/** @throws AppError `invalid_request` for a field that is asked for and not there */
export const requireProfile = (fields: ProfileFields, profile: Readonly<Record<string, string>>): void => {
  const errors = Object.entries(fields)
    .filter(([name, { required }]) => required && !Object.hasOwn(profile, name))
    .map(([name]) => ({ path: `profile.${name}`, message: 'Is required' }));
  if (errors.length) throw new AppError('invalid_request', { errors });
};

/** What the owner of an account sees of it. */
export const ownProfile = (fields: ProfileFields, profile: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(profile).filter(([name]) => fields[name]?.read === 'user'));
