/** What an operation or an error is as an HTTP answer. Pure. */
import type { Answered } from '../../kit/binding.ts';
import { AppError, ERRORS, toProblem } from '../../kit/errors.ts';
import { jsonOf } from '../../kit/lasting.ts';
import { EVENT_STREAM, isStream, NDJSON } from '../../kit/stream.ts';
import type { HttpResponse } from './message.ts';
import { DEFAULT_CHALLENGE, type Route } from './route.ts';

/** What RFC 6750, section 3.1, says beside how to come: why the token that came does not do. */
const challengeFor = ({ code, ofToken, detail }: AppError, challenge: string): string | undefined => {
  const bearer = challenge.endsWith(DEFAULT_CHALLENGE);
  if (code === 'forbidden') return bearer ? `${DEFAULT_CHALLENGE}, error="insufficient_scope"` : undefined;
  if (code !== 'unauthenticated') return undefined;
  return bearer && ofToken ? `${challenge}, error="invalid_token", error_description="${detail}"` : challenge;
};

/** An error as an answer: problem+json (RFC 9457), `WWW-Authenticate` (RFC 6750) and `Retry-After` where they belong. */
export const problemResponse = (error: AppError, requestId: string, known = DEFAULT_CHALLENGE): HttpResponse => {
  const challenge = challengeFor(error, known);
  return {
    status: ERRORS[error.code].http,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-request-id': requestId,
      ...(challenge && { 'www-authenticate': challenge }),
      ...(error.retryAfter !== undefined && { 'retry-after': String(Math.ceil(error.retryAfter)) }),
    },
    body: JSON.stringify(toProblem(error, requestId)),
  };
};

const broken = ({ op }: Route, what: string): AppError =>
  new AppError('internal', { cause: new Error(`answer of ${op.name}: ${what}`) });

// visible ASCII: nothing can end the header, and a URL is written in nothing else
const LOCATION = /^[\x21-\x7e]+$/;
const RUNS_CODE = /^(javascript|data|vbscript):/i;

/** @throws AppError `internal` for an answer that the binding does not declare */
const rendered = (route: Route, answered: Answered, fields: Record<string, string>): HttpResponse => {
  const { status, kind, headers: own } = answered;
  if (!route.declared.has(`${status} ${kind}`)) throw broken(route, `${status} ${kind} is not declared`);
  const headers = { ...fields, ...own };
  switch (kind) {
    case 'json':
      return {
        status,
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(answered.json),
      };
    case 'redirect': {
      const { location } = answered;
      if (!LOCATION.test(location) || RUNS_CODE.test(location)) throw broken(route, 'a location that is none');
      return { status, headers: { ...headers, location } };
    }
    case 'page':
      return {
        status,
        kind: 'page',
        headers: { ...headers, 'content-type': 'text/html; charset=utf-8' },
        body: answered.page,
      };
    default:
      return { status, headers };
  }
};

const fieldsOf = ({ http }: Route, requestId: string): Record<string, string> => ({
  'x-request-id': requestId,
  'cache-control': http.cache ?? 'no-store',
});

/** The output of an operation as the answer of its binding. @throws AppError `internal` for one that is not declared */
export const outputResponse = (route: Route, output: unknown, requestId: string, sent: unknown): HttpResponse => {
  const { answer, status = 200 } = route.http;
  const headers = fieldsOf(route, requestId);
  if (answer) return rendered(route, answer(output, sent), headers);
  if (isStream(route.op.output)) {
    const type = route.http.rows === 'events' ? EVENT_STREAM : NDJSON;
    return { status, headers: { ...headers, 'content-type': type }, rows: output as AsyncIterable<unknown> };
  }
  if (status === 204) return { status, headers };
  headers['content-type'] = 'application/json';
  return { status, headers, body: jsonOf(output) };
};

/** An error as this binding answers it: as declared, or as a problem. @throws AppError as outputResponse does */
export const errorResponse = (route: Route, given: AppError, requestId: string): HttpResponse => {
  const other = route.http.instead?.[given.code];
  const error = other ? new AppError(other, given) : given;
  const answered = route.http.failure?.(error);
  if (!answered) return problemResponse(error, requestId, route.challenge);
  const plain = problemResponse(error, requestId, route.challenge).headers;
  const { 'content-type': _, ...fields } = plain;
  return rendered(route, answered, { ...fieldsOf(route, requestId), ...fields });
};
