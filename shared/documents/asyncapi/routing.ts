/** `detail.routing` of an event on EventBridge, for producers elsewhere: a routing key as rules ask about it. */
import { routingOf } from '../../messaging/eventbridge/routing.ts';
import type { JsonSchema } from '../openapi/schemas.ts';

const WORD: JsonSchema = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,32}$' };
const numbered = (letter: string): Record<string, JsonSchema> =>
  Object.fromEntries(Array.from({ length: 8 }, (_, place) => [`${letter}${place}`, WORD]));
/** Bounds of numbers, which the documents' own schemas do not need. */
const whole = (minimum: number, maximum: number): JsonSchema => ({ type: 'integer', ...{ minimum, maximum } });
const count = whole(1, 8);

export const ROUTING: JsonSchema & { description: string; examples: unknown[] } = {
  type: 'object',
  description:
    'The routing key, the number of its words, its words from the front (`w0`, …) and from the back (`e0`, …), and every ' +
    'suffix of it with the place where it begins and the number of its words. `urgent` is true from priority 7 on and ' +
    'left out otherwise.',
  properties: {
    key: { type: 'string', maxLength: 255 },
    n: count,
    ...numbered('w'),
    ...numbered('e'),
    at: {
      type: 'array',
      items: {
        type: 'object',
        properties: { i: whole(0, 7), r: count, ...numbered('w') },
        required: ['i', 'r', 'w0'],
      },
    },
    priority: whole(0, 9),
    urgent: { type: 'boolean' },
  },
  required: ['key', 'n', 'w0', 'e0', 'at'],
  examples: [{ ...routingOf('user.events.login'), priority: 0 }],
};
