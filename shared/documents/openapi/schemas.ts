/** zod schemas as JSON Schemas of an OpenAPI document; named ones (`.meta({ id })`) become components. */
import * as z from 'zod';

export interface JsonSchema {
  type?: string | string[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  format?: string;
  pattern?: string;
  minimum?: number;
  minLength?: number;
  minItems?: number;
  maxLength?: number;
  additionalProperties?: boolean | JsonSchema;
  description?: string;
  $ref?: string;
}

const COMPONENTS = '#/components/schemas/';

const rewrite = (value: unknown, change: (node: Record<string, unknown>) => void): void => {
  if (Array.isArray(value)) for (const each of value) rewrite(each, change);
  else if (typeof value === 'object' && value !== null) {
    change(value as Record<string, unknown>);
    for (const each of Object.values(value)) rewrite(each, change);
  }
};

/** Collects the named schemas of a document while its operations are read. */
export class SchemaBook {
  readonly components: Record<string, JsonSchema> = {};

  /** What a caller sends. */
  input(schema: z.ZodType): JsonSchema {
    return this.#convert(schema, 'input');
  }

  /** What is answered. Open to fields of later versions, so that clients made from it take them. */
  output(schema: z.ZodType): JsonSchema {
    const json = this.#convert(schema, 'output');
    rewrite(json, (node) => {
      if (node.additionalProperties === false) delete node.additionalProperties;
    });
    return json;
  }

  /** The schema that a reference means. */
  resolve(ref: string): JsonSchema | undefined {
    return this.components[ref.slice(COMPONENTS.length)];
  }

  #convert(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
    const { $schema: _, $defs = {}, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
    for (const each of [json, ...Object.values($defs)]) {
      rewrite(each, (node) => {
        if (typeof node.$ref === 'string') node.$ref = node.$ref.replace('#/$defs/', COMPONENTS);
        // the bounds of a safe integer are those of JavaScript, not of ours
        if (node.maximum === Number.MAX_SAFE_INTEGER) delete node.maximum;
        if (node.minimum === Number.MIN_SAFE_INTEGER) delete node.minimum;
      });
    }
    for (const [name, named] of Object.entries($defs)) {
      const { id: _id, ...rest } = named as JsonSchema & { id?: string };
      this.components[name] = rest;
    }
    return json as JsonSchema;
  }
}
