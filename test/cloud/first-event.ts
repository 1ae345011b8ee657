/** The first event of each function that the cost of a start is told of: always the same, so that it can be compared. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import type { LambdaFunction } from '../../infra/generate/platform.ts';
import type { Operation } from '../../shared/kit/operation.ts';
import { httpEvent, queueEvent } from '../doors/lambda/support.ts';
import { lambdaEvent } from '../e2e/doors/lambda.ts';
import { socketEvent } from '../engines/api-gateway.ts';
import { MINUTE } from './flows.ts';

type Schema = z.core.JSONSchema.JSONSchema;

const TEXTS: Record<string, string> = {
  email: 'first@example.org',
  uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
  uri: 'https://example.org/first',
  'date-time': '2030-01-01T00:00:00.000Z',
};

/** What a schema asks for and no more. A rule beyond it may refuse that: a refusal is an answer, too. */
const asked = (schema: Schema): unknown => {
  const [choice] = schema.anyOf ?? schema.oneOf ?? [];
  if (choice) return asked(choice as Schema);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.type === 'string')
    return TEXTS[schema.format ?? ''] ?? 'violet tractors'.padEnd(schema.minLength ?? 0, '.');
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return true;
  if (schema.type === 'array') return Array.from({ length: schema.minItems ?? 0 }, () => asked(schema.items as Schema));
  const required = schema.required ?? [];
  return Object.fromEntries(required.map((name) => [name, asked(schema.properties![name] as Schema)]));
};

const inputOf = (op: Operation<any, any>): object =>
  asked(z.toJSONSchema(op.input, { io: 'input', unrepresentable: 'any' })) as object;

/** Of a connection that nobody knows, with a ticket that nobody was given. */
const SOCKET = {
  $connect: socketEvent('CONNECT', 'first=', { query: { ticket: 'first' } }),
  $default: socketEvent('MESSAGE', 'first=', { body: '{"type":"ping"}' }),
  $disconnect: socketEvent('DISCONNECT', 'first='),
};

const example = (type: string): string => readFileSync(new URL(`../events/${type}.json`, import.meta.url), 'utf8');

/** What a service asks, what the first of its events is, or what else calls it. */
export const firstEvent = (
  { operations, queue, bulk, relay, asks, socket }: LambdaFunction,
  token: string,
): unknown => {
  if (relay) return MINUTE;
  if (socket) return SOCKET[socket];
  if (bulk) return queueEvent(['{}']);
  const [op] = operations;
  if (!op) return httpEvent({ method: 'GET', path: '/readyz' });
  if (queue) return queueEvent([example(op.subscription!.types[0]!)]);
  // rows go through an object here, whose address is asked for
  return lambdaEvent(op, asks ? {} : inputOf(op), { token });
};
