import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { AppError } from '../../shared/kit/errors.ts';
import { parse } from '../../shared/kit/parse.ts';

const said = (schema: z.ZodType, input: unknown): string[] => {
  try {
    parse(schema, input);
    return [];
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AppError);
    return (thrown as AppError).errors!.map(({ message }) => message);
  }
};

describe('what is wrong with a field is said in words for who filled it in', () => {
  test.each<[z.ZodType, unknown, string]>([
    [z.number().min(1), 0, 'Has to be at least 1'],
    [z.number().positive(), 0, 'Has to be more than 0'],
    [z.number(), Number.POSITIVE_INFINITY, 'Has to be a number'],
    [z.string(), Number.POSITIVE_INFINITY, 'Has to be text'],
    [z.string().min(1), '', 'May not be empty'],
    [z.string().min(3), 'a', 'Has to be at least 3 characters'],
    [z.string().max(3), 'abcd', 'Has to be at most 3 characters'],
    [z.string().regex(/^a$/), 'b', 'Does not have the form that is taken here'],
    [z.string().regex(/^a$/, 'Use an a'), 'b', 'Use an a'],
    [z.array(z.string()).max(1), ['a', 'b'], 'Has to be at most 1 entry'],
    [z.int(), 1.5, 'Has to be a whole number'],
    [z.enum(['a', 'b']), 'c', 'Has to be one of a, b'],
    [z.boolean(), 'yes', 'Has to be true or false'],
    [z.union([z.boolean(), z.int()]), 'yes', 'Has none of the forms that are taken here'],
    [z.union([z.boolean(), z.int()], { error: 'Say how often, or whether' }), 'yes', 'Say how often, or whether'],
  ])('%#: %s', (schema, value, message) => {
    expect(said(z.object({ field: schema }), { field: value })).toEqual([message]);
  });

  test('what is missing is required, whatever its kind', () => {
    expect(said(z.object({ a: z.string(), b: z.enum(['x']) }), {})).toEqual(['Is required', 'Is required']);
  });
});
