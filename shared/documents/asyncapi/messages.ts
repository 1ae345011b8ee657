/** Events as messages of an AsyncAPI document: the envelope with one payload in it. Pure. */

import type { EventType } from '../../kit/event.ts';
import { AnyEnvelope } from '../../messaging/envelope.ts';
import { type JsonSchema, SchemaBook } from '../openapi/schemas.ts';

export type Event = EventType<string, any>;

/** A reference within the document (RFC 6901). @example pointer('channels', 'a.b') // { $ref: '#/channels/a.b' } */
export const pointer = (...path: string[]): { $ref: string } => ({
  $ref: `#/${path.map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`,
});

/** The name of a payload's schema: a new version is another schema. */
export const schemaName = ({ type, version }: Event): string => `${type}.v${version}`;

/** A format says it; the expression that zod writes beside it is its own business and changes with it. */
const withoutPatterns = (schema: JsonSchema): JsonSchema =>
  JSON.parse(JSON.stringify(schema), (_, value) => {
    if (typeof value?.format !== 'string' || typeof value.pattern !== 'string') return value;
    const { pattern: _pattern, ...rest } = value;
    return rest;
  });

/** The JSON Schema of an event's payload as it travels: open to fields of later additions. */
export const payloadSchema = ({ data }: Event): JsonSchema => withoutPatterns(new SchemaBook().output(data));

const frame = (): JsonSchema => withoutPatterns(new SchemaBook().output(AnyEnvelope));

/** The message of an event. `example` is a whole envelope. */
export const messageOf = (event: Event, example: unknown) => {
  const { type, version } = event;
  const { properties = {}, required = [], ...rest } = frame();
  // a payload that names no version is of the first
  const named = version > 1;
  const metadata: JsonSchema = {
    ...properties.metadata,
    properties: { ...properties.metadata?.properties, version: { type: 'integer', const: version } },
    ...(named && { required: ['version'] }),
  };
  const payload: JsonSchema = {
    ...rest,
    properties: {
      ...properties,
      message_type: { type: 'string', const: type },
      data: pointer('components', 'schemas', schemaName(event)),
      metadata,
    },
    required: [...required, ...(named ? ['metadata'] : [])],
  };
  return {
    name: type,
    title: `${type}, version ${version}`,
    contentType: 'application/json',
    payload,
    examples: [{ payload: example }],
    bindings: { amqp: { contentEncoding: 'utf-8', messageType: type, bindingVersion: '0.3.0' } },
  };
};
