/** An example value for a JSON Schema, the same at every run: a declared one, or the simplest that fits. */
import type { JsonSchema } from './schemas.ts';

const BY_NAME: Readonly<Record<string, unknown>> = {
  fields: 'id,email',
  email: 'ada@example.com',
  identifier: 'ada@example.com',
  username: 'ada',
  first_name: 'Ada',
  last_name: 'Lovelace',
  phone_number: '+441234567890',
  locale: 'en',
  password: 'violet tractors hum quietly',
  new_password: 'purple harvesters sing loudly',
  current_password: 'violet tractors hum quietly',
  token_type: 'Bearer',
  expires_in: 900,
};

const BY_FORMAT: Readonly<Record<string, string>> = {
  email: 'ada@example.com',
  uri: 'https://example.com/',
  uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
  'date-time': '2025-01-01T00:00:00Z',
};

const text = (schema: JsonSchema, name: string): string => {
  if (schema.format && BY_FORMAT[schema.format]) return BY_FORMAT[schema.format]!;
  if (name.endsWith('_id') || name === 'id') return BY_FORMAT.uuid!;
  const word = name || 'text';
  return word.padEnd(schema.minLength ?? 0, 'x').slice(0, schema.maxLength ?? word.length + (schema.minLength ?? 0));
};

/**
 * An example of a schema.
 *
 * @param resolve gives the schema that a `$ref` means
 * @param name of the field that it stands for, by which well-known fields get a telling value
 */
export const exampleOf = (
  schema: JsonSchema,
  resolve: (ref: string) => JsonSchema | undefined,
  name = '',
  depth = 0,
): unknown => {
  if (schema.examples?.length) return schema.examples[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (depth > 6) return null;
  if (schema.$ref) return exampleOf(resolve(schema.$ref) ?? {}, resolve, name, depth + 1);
  const choice = (schema.anyOf ?? schema.oneOf ?? schema.allOf)?.[0];
  if (choice) return exampleOf(choice, resolve, name, depth + 1);
  const known = BY_NAME[name];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'object': {
      const fields = Object.entries(schema.properties ?? {});
      return Object.fromEntries(fields.map(([key, each]) => [key, exampleOf(each, resolve, key, depth + 1)]));
    }
    case 'array':
      return schema.items ? [exampleOf(schema.items, resolve, name.replace(/s$/, ''), depth + 1)] : [];
    case 'integer':
    case 'number':
      if (typeof known === 'number') return known;
      return name.endsWith('_at') ? 1735689600 : Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'string':
      return typeof known === 'string' ? known : text(schema, name);
    default:
      return {};
  }
};
