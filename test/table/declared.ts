/** What an answer holds that its schema does not declare. */
import * as z from 'zod';

type JsonSchema = {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
};

const beyond = (schema: JsonSchema, value: unknown, path: string): string[] => {
  if (Array.isArray(value)) return value.flatMap((each, n) => beyond(schema.items ?? {}, each, `${path}[${n}]`));
  if (typeof value !== 'object' || value === null) return [];
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    const [best = []] = choices.map((each) => beyond(each, value, path)).sort((one, two) => one.length - two.length);
    return best;
  }
  const { properties } = schema;
  if (!properties) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const declared = Object.hasOwn(properties, name) ? properties[name] : undefined;
    return declared ? beyond(declared, each, `${path}.${name}`) : [`${path}.${name}`];
  });
};

/** Paths of undeclared fields, the deepest included. */
export const undeclared = (schema: z.ZodType, value: unknown): string[] =>
  beyond(z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as JsonSchema, value, '');
