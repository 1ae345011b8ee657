/** `application/x-www-form-urlencoded` bodies: parsed strictly, and typed as the schema says, so that a form gives what its JSON twin gives. Pure. */
import type * as z from 'zod';
import { AppError } from '../../kit/errors.ts';

type Scalar = 'text' | 'number' | 'boolean';
interface FieldKind {
  scalar: Scalar;
  list: boolean;
}
/** How each field of a schema is written in a form; what is not named is one text. */
export type FormFields = ReadonlyMap<string, FieldKind>;

const inner = (schema: z.core.$ZodType): z.core.$ZodTypes => {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if ('innerType' in def && def.innerType) return inner(def.innerType as z.core.$ZodType);
  if (def.type === 'pipe') return inner(def.in);
  return schema as z.core.$ZodTypes;
};

const scalarOf = (schema: z.core.$ZodType): Scalar => {
  const { def } = inner(schema)._zod;
  switch (def.type) {
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'literal': {
      const kinds = new Set(def.values.map((value) => typeof value));
      return kinds.size === 1 && kinds.has('number') ? 'number' : kinds.has('boolean') ? 'boolean' : 'text';
    }
    default:
      return 'text';
  }
};

/** What a schema's fields are in a form. Worked out once for a binding. */
export const formFieldsOf = (schema: z.core.$ZodType): FormFields => {
  const { def } = inner(schema)._zod;
  if (def.type !== 'object') return new Map();
  return new Map(
    Object.entries(def.shape).map(([name, field]) => {
      const { def: of } = inner(field)._zod;
      return [
        name,
        of.type === 'array' ? { scalar: scalarOf(of.element), list: true } : { scalar: scalarOf(field), list: false },
      ];
    }),
  );
};

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
/** Text that is no number or boolean stays what it is: the schema says so better than we could. */
const typed = (text: string, scalar: Scalar): unknown => {
  if (scalar === 'number') return NUMBER.test(text) ? Number(text) : text;
  if (scalar === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  return text;
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

const refused = (path: string, message: string): AppError =>
  new AppError('invalid_request', { errors: [{ path: path.slice(0, 100), message }] });

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new AppError('invalid_request', { detail: 'The body is not a valid form' });
  }
};

/**
 * Parses a form. Every name stands once unless the schema wants a list.
 *
 * @throws AppError `invalid_request` for broken percent-encoding, text that is not UTF-8, control characters, an empty
 * name and a name said twice
 * @example parseForm('a=1&b=x+y', formFieldsOf(z.object({ a: z.number(), b: z.string() }))) // { a: 1, b: 'x y' }
 */
export const parseForm = (text: string, fields: FormFields): Record<string, unknown> => {
  const found: Record<string, unknown> = {};
  for (const pair of text.split('&')) {
    const at = pair.indexOf('=');
    const name = decode(at === -1 ? pair : pair.slice(0, at));
    const value = at === -1 ? '' : decode(pair.slice(at + 1));
    if (name === '') throw refused(name, 'A field has no name');
    if (CONTROL.test(name) || CONTROL.test(value))
      throw refused(name.replace(/[^\x20-\x7e]/g, '?'), 'Has control characters');
    const { scalar, list } = fields.get(name) ?? { scalar: 'text', list: false };
    if (name === '__proto__' || (!list && Object.hasOwn(found, name))) throw refused(name, 'May be given once');
    if (!list) found[name] = typed(value, scalar);
    else if (Object.hasOwn(found, name)) (found[name] as unknown[]).push(typed(value, scalar));
    else found[name] = [typed(value, scalar)];
  }
  return found;
};
