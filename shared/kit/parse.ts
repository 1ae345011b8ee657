/** A value as a schema reads it, or what is wrong with it, field by field. */
import type * as z from 'zod';
import { AppError } from './errors.ts';
import { wording } from './wording.ts';

const isMissing = (input: unknown, { code, path }: z.core.$ZodIssue): boolean =>
  path.length > 0 &&
  (code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union') &&
  path.reduce((value, key) => (value as any)?.[key], input as any) === undefined;

/**
 * @param within where the input stands in the request, for the paths of errors
 * @throws AppError `invalid_request` with at most 20 field errors
 */
export const parse = (schema: z.ZodType, input: unknown, within: readonly string[] = []): unknown => {
  const pathOf = (path: readonly PropertyKey[]): string => [...within, ...path].join('.').slice(0, 100);
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new AppError('invalid_request', {
    errors: parsed.error.issues.slice(0, 20).flatMap((issue: z.core.$ZodIssue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.slice(0, 20).map((key) => ({ path: pathOf([...issue.path, key]), message: 'Unknown field' }))
        : [
            {
              path: pathOf(issue.path),
              message: isMissing(input, issue) ? 'Is required' : wording(issue),
            },
          ],
    ),
  });
};
