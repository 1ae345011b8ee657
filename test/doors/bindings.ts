/** An operation for each thing that a binding can say. */
import * as z from 'zod';
import type { Context } from '../../shared/kit/context.ts';
import { AppError } from '../../shared/kit/errors.ts';
import { operation } from '../../shared/kit/operation.ts';
import { service } from '../../shared/kit/service.ts';

export const Fields = z.strictObject({
  text: z.string(),
  count: z.number().optional(),
  whole: z.int().optional(),
  sure: z.boolean().optional(),
  words: z.array(z.string()).optional(),
  numbers: z.array(z.number()).optional(),
  kind: z.enum(['a', 'b']).default('a'),
  two: z.literal(2).optional(),
});

export const echo = operation({
  name: 'bound.echo',
  summary: 'Says back what it understood',
  http: [
    { method: 'POST', path: '/echo', body: ['json', 'form'] },
    { method: 'PUT', path: '/other/{text}', limit: 200 },
    { method: 'DELETE', path: '/echo', body: ['json', 'form'] },
    {
      method: 'POST',
      path: '/nested',
      input: z.strictObject({ subject: z.strictObject({ text: z.string() }) }),
      request: ({ subject }) => ({ text: subject.text }),
      answers: [{ status: 201, kind: 'json', schema: z.object({ said: z.string() }) }],
      answer: ({ text }) => ({ status: 201, kind: 'json', json: { said: text } }),
    },
  ],
  access: 'public',
  input: Fields,
  output: Fields,
  run: (_, input) => input,
});

export const go = operation({
  name: 'bound.go',
  summary: 'Sends a browser on, or shows a page',
  http: {
    method: 'GET',
    path: '/go',
    answers: [
      { status: 303, kind: 'redirect' },
      { status: 200, kind: 'page', description: 'A page to look at' },
    ],
    answer: ({ to }) => {
      if (to === 'page') return { status: 200, kind: 'page', page: '<!doctype html><p>é' };
      if (to === 'undeclared') return { status: 202, kind: 'empty' };
      return { status: 303, kind: 'redirect', location: to, headers: { 'x-more': '1' } };
    },
  },
  access: 'public',
  input: z.strictObject({ to: z.string() }),
  output: z.object({ to: z.string() }),
  run: (_, input) => input,
});

/** What `bound.token` was told of its client. */
export const seen: Context['basic'][] = [];

/** Errors of its own form (RFC 6749, 5.2), and credentials that it judges itself. */
export const token = operation({
  name: 'bound.token',
  summary: 'Judges its client itself',
  http: {
    method: 'POST',
    path: '/token',
    body: ['form'],
    credentials: 'basic',
    answers: [
      { status: 200, kind: 'json' },
      { status: 400, kind: 'json', schema: z.object({ error: z.string() }), description: 'Refused (RFC 6749, 5.2)' },
    ],
    answer: (output) => ({ status: 200, kind: 'json', json: output, headers: { pragma: 'no-cache' } }),
    failure: ({ code }) =>
      code === 'invalid_request' ? { status: 400, kind: 'json', json: { error: 'invalid_request' } } : undefined,
  },
  access: 'public',
  input: z.strictObject({ grant_type: z.literal('client_credentials') }),
  output: z.object({ client: z.string() }),
  run: (_, __, { basic }) => {
    seen.push(basic);
    if (basic?.password !== 'p:w') throw new AppError('unauthenticated');
    return { client: basic.user };
  },
});

export const bound = service('bound', [echo, go, token]);
