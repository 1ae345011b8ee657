/** A value as a schema reads it, or what is wrong with it, field by field. */
import type * as z from 'zod';
import { AppError } from './errors.ts';
import { wording } from './wording.ts';

const isMissing = (input: unknown, { code, path }: z.core.$ZodIssue): boolean =>
  path.length > 0 &&
  (code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union') &&
  path.reduce((value, key) => (value as any)?.[key], input as any) === undefined;

/** @throws AppError `invalid_request` with at most 20 field errors */
export const parse = (schema: z.ZodType, input: unknown): unknown => {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new AppError('invalid_request', {
    errors: parsed.error.issues.slice(0, 20).flatMap((issue: z.core.$ZodIssue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, 20)
            .map((key) => ({ path: [...issue.path, key].join('.').slice(0, 100), message: 'Unknown field' }))
        : [
            {
              path: issue.path.join('.').slice(0, 100),
              message: isMissing(input, issue) ? 'Is required' : wording(issue),
            },
          ],
    ),
  });
};
