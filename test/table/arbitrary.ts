/** Inputs for an operation: some as its schema wants them, some nearly so, some not at all. */
import fc from 'fast-check';
import * as z from 'zod';
import type { Operation } from '../../shared/kit/operation.ts';
import { isStream } from '../../shared/kit/stream.ts';

type JsonSchema = {
  type?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
};

/** What has broken parsers, stores, logs and mails before. */
const HOSTILE = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\u202e',
  '\ufeff',
  '%00',
  '../../etc/passwd',
  '{{7*7}}',
  "' OR 1=1 --",
  '<script>alert(1)</script>',
  'a'.repeat(5_000),
  'é'.repeat(2_000),
  '💥'.repeat(600),
  '__proto__',
  'constructor',
  '1e999',
  '-1',
  'null',
  'a@b.c\r\nBcc: d@e.f',
  `${'('.repeat(2_000)}a@example.org`,
];

const text = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ maxLength: 60 }),
);
const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(-1, 0, 2 ** 53, 1e308),
);
const anything = fc.jsonValue({ maxDepth: 4 });

const of = (schema: JsonSchema): fc.Arbitrary<unknown> => {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map(of));
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return text;
    case 'integer':
    case 'number':
      return number;
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(of(schema.items ?? {}), { maxLength: 6 });
    case 'object':
      return fc.record(
        Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, each]) => [name, of(each)])),
        { requiredKeys: [] },
      );
    default:
      return anything;
  }
};

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Inputs of an operation, always objects.
 *
 * @param sample an input that works: most runs change one or two of its fields, so that they get past the first check
 */
export const inputsOf = (op: Operation<any, any>, sample: object): fc.Arbitrary<object> => {
  const schema = z.toJSONSchema(isStream(op.input) ? op.input.row : op.input, {
    io: 'input',
    unrepresentable: 'any',
  }) as JsonSchema;
  const fields = Object.entries(schema.properties ?? {});
  const changed = fields.length
    ? fc
        .array(
          fc.constantFrom(...fields).chain(([name, each]) => fc.tuple(fc.constant(name), fc.oneof(of(each), anything))),
          { minLength: 1, maxLength: 2 },
        )
        .map((changes) => ({ ...sample, ...Object.fromEntries(changes) }))
    : fc.constant(sample);
  const made = of({ ...schema, type: schema.type ?? 'object' }).filter(isObject);
  const other = fc.dictionary(fc.string({ maxLength: 20 }), anything, { maxKeys: 5 });
  return fc.oneof({ weight: 4, arbitrary: changed }, { weight: 2, arbitrary: made }, { weight: 1, arbitrary: other });
};
