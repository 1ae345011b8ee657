/** How an operation is spoken to over HTTP, whatever brings the request: a socket, API Gateway or a test. */
import { ANONYMOUS, type Context } from '../../kit/context.ts';
import { AppError, ERRORS, toAppError } from '../../kit/errors.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import { endWithAnswer } from '../../kit/span.ts';
import { continueTrace } from '../../kit/trace.ts';
import type { Span, Trace } from '../../ports/tracer.ts';
import { authenticate, type Presented, readBasic, readBearer } from './caller.ts';
import { deviceFields, deviceOf } from './device.ts';
import type { HttpRequest, HttpResponse } from './message.ts';
import { errorResponse, outputResponse, problemResponse } from './render.ts';
import type { Route } from './route.ts';

export type { HttpRequest, HttpResponse } from './message.ts';

const REQUEST_ID = /^[A-Za-z0-9_-]{1,128}$/;

/** The caller's `x-request-id` if it is a plain word, otherwise a new one. */
export const requestIdOf = (header: string | undefined, newId: () => string): string =>
  header !== undefined && REQUEST_ID.test(header) ? header : newId();

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Path parameters, then body (where the binding takes one) or query: one object, no field said twice. */
const inputOf = (route: Route, request: HttpRequest): unknown => {
  const { rows, query, params } = request;
  // beside rows, the fields stand in path and query
  return rows ? { rows, parameters: joined(query, params) } : fieldsOf(route, request);
};

/** One object, no field said twice. */
const joined = (fields: Record<string, unknown>, params: Record<string, string>): Record<string, unknown> => {
  const names = Object.keys(params);
  if (!names.length) return fields;
  for (const name of names) {
    if (name in fields)
      throw new AppError('invalid_request', { errors: [{ path: name, message: 'Stands in the path' }] });
  }
  return { ...fields, ...params };
};

const fieldsOf = (
  { body: { kinds } }: Route,
  { method, params, query, body }: HttpRequest,
): Record<string, unknown> => {
  const carriesBody = kinds.length > 0;
  if (carriesBody ? Object.keys(query).length > 0 : body !== undefined) {
    throw new AppError('invalid_request', {
      detail: carriesBody ? `${method} takes its fields in the body, not in the query` : `${method} takes no body`,
    });
  }
  if (carriesBody && body !== undefined && !isObject(body)) {
    throw new AppError('invalid_request', { detail: 'The body has to be a JSON object' });
  }
  const fields: Record<string, unknown> = carriesBody ? ((body as Record<string, unknown>) ?? {}) : query;
  return joined(fields, params);
};

/**
 * Answers a request with an operation, as a span of the caller's trace. Never throws: what goes wrong becomes a problem.
 *
 * @example const { status, headers, body } = await answer(host, routeOf(login, login.http[0]), request, 'http');
 */
export const answer = (
  host: Host,
  route: Route,
  request: HttpRequest,
  door: Context['door'],
  deadline?: number,
): Promise<HttpResponse> => {
  const { tracer } = host.ports;
  const { traceparent } = request.headers;
  if (!tracer) return respond(host, route, request, door, continueTrace(traceparent), undefined, deadline);
  const span = tracer.start(route.span.name, 'server', traceparent, route.span.attributes);
  return respond(host, route, request, door, span.trace, span, deadline);
};

/** What went wrong as the answer of a route: logged where it is our fault. Never throws. */
export const refuse = (
  host: Host,
  route: Route,
  thrown: unknown,
  requestId: string,
  traceId?: string,
): HttpResponse => {
  const { op } = route;
  let error = toAppError(thrown);
  let response: HttpResponse;
  try {
    response = errorResponse(route, error, requestId);
  } catch (broken) {
    error = toAppError(broken);
    response = problemResponse(error, requestId);
  }
  if (ERRORS[error.code].http >= 500) {
    host.ports.log.error('operation.failed', {
      operation: op.name,
      code: error.code,
      request_id: requestId,
      trace_id: traceId,
      cause: error.cause ?? error,
    });
  }
  return response;
};

const NOBODY: Presented = Object.freeze({ caller: ANONYMOUS });

const presentedOf = async ({ op, http }: Route, host: Host, authorization: string | undefined): Promise<Presented> => {
  const basic = http.credentials === 'basic' ? readBasic(authorization) : undefined;
  if (basic) return { caller: ANONYMOUS, basic };
  if (op.access !== 'public') return authenticate(host.ports, authorization);
  const bearer = readBearer(authorization);
  return bearer ? { caller: ANONYMOUS, bearer } : NOBODY;
};

/** An answer as it leaves, which ends its span. */
const finished = (response: HttpResponse, trace: Trace, span: Span | undefined): HttpResponse => {
  response.trace_id = trace.trace_id;
  response.traced = trace.tracer !== undefined;
  return span && response.traced ? endWithAnswer(span, response) : response;
};

const respond = async (
  host: Host,
  route: Route,
  request: HttpRequest,
  door: Context['door'],
  trace: Trace,
  span: Span | undefined,
  deadline: number | undefined,
): Promise<HttpResponse> => {
  const { op, http, shape } = route;
  const { headers } = request;
  const requestId = requestIdOf(headers['x-request-id'], host.ports.ids.uuid);
  try {
    const presented =
      op.access === 'public' && !http.credentials ? NOBODY : await presentedOf(route, host, headers.authorization);
    const context: Context = {
      request_id: requestId,
      trace,
      caller: presented.caller,
      bearer: presented.bearer,
      basic: presented.basic,
      client: {
        ip: request.ip,
        user_agent: headers['user-agent']?.slice(0, 512),
        device: deviceOf(headers),
        place: request.place,
      },
      gives: {},
      door,
      deadline,
      signal: request.signal,
    };
    const sent = inputOf(route, request);
    const output = await invoke(host, op, sent, context, shape);
    const response = outputResponse(route, output, requestId, sent);
    if (context.gives?.device) Object.assign(response.headers, deviceFields(context.gives.device));
    return finished(response, trace, span);
  } catch (thrown) {
    return finished(refuse(host, route, thrown, requestId, trace.trace_id), trace, span);
  }
};
