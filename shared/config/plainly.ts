/** What is wrong with a variable, in plain words. */
import type * as z from 'zod';

/** @example plainly(issue) // 'it is not a number' */
export const plainly = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'int' ? 'it is not a whole number' : `it is not a ${issue.expected}`;
    case 'too_small':
      return `it has to be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `it may be ${issue.maximum} at most`;
    case 'invalid_value':
      return `use ${issue.values.join(', ')}`;
    default:
      return issue.message;
  }
};
