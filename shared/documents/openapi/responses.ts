/** What a binding answers, for the OpenAPI document: its declared answers, and the problems by status. */
import { answersOf, type HttpAnswer, type HttpBinding } from '../../kit/binding.ts';
import type { Operation } from '../../kit/operation.ts';
import { EVENT_STREAM, isStream, NDJSON } from '../../kit/stream.ts';
import { exampleOf } from './example.ts';
import { outcomesOf, problemResponses } from './problems.ts';
import type { SchemaBook } from './schemas.ts';

const REQUEST_ID = { 'x-request-id': { $ref: '#/components/headers/RequestId' } };
const LOCATION = { location: { schema: { type: 'string', format: 'uri-reference' } } };

const ROWS =
  'One such value a line. An answer that fails after its first line ends with the line `{"problem":{…}}` and is broken off.';

interface ResponseObject {
  description: string;
  headers?: object;
  content?: object;
}

const EVENTS = 'Each the `data` of an event. What ends the stream before its time is an event `problem`.';

const contentOf = (
  op: Operation<any, any>,
  { rows }: HttpBinding,
  { kind, schema }: HttpAnswer,
  book: SchemaBook,
): object | undefined => {
  if (isStream(op.output)) {
    return { [rows === 'events' ? EVENT_STREAM : NDJSON]: { schema: book.output(op.output.row) } };
  }
  if (kind === 'page') return { 'text/html': { schema: { type: 'string' } } };
  if (kind !== 'json') return undefined;
  const json = book.output(schema ?? op.output);
  return { 'application/json': { schema: json, example: exampleOf(json, (ref) => book.resolve(ref)) } };
};

const answered = (op: Operation<any, any>, http: HttpBinding, answer: HttpAnswer, book: SchemaBook): ResponseObject => {
  const content = contentOf(op, http, answer, book);
  const told = isStream(op.output) ? `${op.summary}. ${http.rows === 'events' ? EVENTS : ROWS}` : op.summary;
  return {
    description: answer.description ?? (answer.kind === 'empty' ? 'Done' : told),
    headers: { ...REQUEST_ID, ...(answer.kind === 'redirect' && LOCATION) },
    ...(content && { content }),
  };
};

/** Two answers of one status are one response with both contents. */
const both = (a: ResponseObject, b: ResponseObject): ResponseObject => ({
  description: a.description === b.description ? a.description : `${a.description}\n\n${b.description}`,
  headers: { ...a.headers, ...b.headers },
  ...((a.content || b.content) && { content: { ...a.content, ...b.content } }),
});

/** The response objects of a binding, by status. */
export const responsesOf = (
  op: Operation<any, any>,
  http: HttpBinding,
  book: SchemaBook,
  has: { body: boolean; parameters: boolean },
): Record<string, ResponseObject> => {
  const responses: Record<string, ResponseObject> = {};
  const add = (status: number | string, response: ResponseObject): void => {
    const known = responses[status];
    responses[status] = known ? both(known, response) : response;
  };
  for (const answer of answersOf(http)) add(answer.status, answered(op, http, answer, book));
  for (const [status, response] of Object.entries(problemResponses(outcomesOf(op, has)))) {
    add(status, response as ResponseObject);
  }
  return responses;
};
