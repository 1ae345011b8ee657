/** What is wrong with a field, in words for who filled it in rather than for who wrote the schema. */
import type * as z from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const UNITS: Readonly<Record<string, string>> = {
  string: 'characters',
  array: 'entries',
  set: 'entries',
  file: 'bytes',
};

const bound = (word: 'at least' | 'at most', limit: number | bigint, origin: string, inclusive = true): string => {
  const unit = UNITS[origin];
  const one = unit && Number(limit) === 1 ? ` ${unit.replace(/ies$/, 'y').replace(/s$/, '')}` : unit ? ` ${unit}` : '';
  if (!inclusive) return `Has to be ${word === 'at least' ? 'more' : 'less'} than ${limit}${one}`;
  return word === 'at least' && limit === 1 && unit ? 'May not be empty' : `Has to be ${word} ${limit}${one}`;
};

/** @example wording(issue) // 'Has to be at least 1' */
export const wording = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return `Has to be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'too_small':
      return bound('at least', issue.minimum, issue.origin, issue.inclusive);
    case 'too_big':
      return bound('at most', issue.maximum, issue.origin, issue.inclusive);
    case 'invalid_value':
      return `Has to be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.join(', ')}`;
    case 'not_multiple_of':
      return `Has to be a multiple of ${issue.divisor}`;
    case 'invalid_union':
      return issue.message === 'Invalid input' ? 'Has none of the forms that are taken here' : issue.message;
    case 'invalid_format':
      return issue.message.startsWith('Invalid string: must match')
        ? 'Does not have the form that is taken here'
        : issue.message;
    default:
      // our own words, and those of formats ("Invalid UUID")
      return issue.message;
  }
};
