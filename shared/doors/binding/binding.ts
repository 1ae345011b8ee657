/** How an operation is spoken to over HTTP, whatever brings the request: a socket, API Gateway or a test. */
import { ANONYMOUS, type Context } from '../../kit/context.ts';
import { AppError, ERRORS, toAppError, toProblem } from '../../kit/errors.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import type { Operation } from '../../kit/operation.ts';
import { inServerSpan } from '../../kit/span.ts';
import { continueTrace } from '../../kit/trace.ts';
import type { Trace } from '../../ports/tracer.ts';
import { authenticate } from './caller.ts';

export interface HttpRequest {
  method: string;
  path: string;
  params: Record<string, string>;
  query: Record<string, string>;
  /** Lower-case names. */
  headers: Record<string, string | undefined>;
  /** Parsed JSON, if there was any. */
  body?: unknown;
  ip?: string;
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body?: string;
  /** For the door's log line. */
  trace_id?: string;
}

const REQUEST_ID = /^[A-Za-z0-9_-]{1,128}$/;

/** The caller's `x-request-id` if it is a plain word, otherwise a new one. */
export const requestIdOf = (header: string | undefined, newId: () => string): string =>
  header !== undefined && REQUEST_ID.test(header) ? header : newId();

/** An error as an answer: problem+json (RFC 9457), `WWW-Authenticate` (RFC 6750) and `Retry-After` where they belong. */
export const problemResponse = (error: AppError, requestId: string): HttpResponse => ({
  status: ERRORS[error.code].http,
  headers: {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-request-id': requestId,
    ...(error.code === 'unauthenticated' && { 'www-authenticate': 'Bearer realm="perfect21"' }),
    ...(error.retryAfter !== undefined && { 'retry-after': String(Math.ceil(error.retryAfter)) }),
  },
  body: JSON.stringify(toProblem(error, requestId)),
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Path parameters, then body (POST, PUT, PATCH) or query (GET, DELETE): one object, no field said twice. */
const inputOf = ({ method, params, query, body }: HttpRequest): Record<string, unknown> => {
  const carriesBody = method !== 'GET' && method !== 'HEAD' && method !== 'DELETE';
  if (carriesBody ? Object.keys(query).length > 0 : body !== undefined) {
    throw new AppError('invalid_request', {
      detail: carriesBody ? `${method} takes its fields in the body, not in the query` : `${method} takes no body`,
    });
  }
  if (carriesBody && body !== undefined && !isObject(body)) {
    throw new AppError('invalid_request', { detail: 'The body has to be a JSON object' });
  }
  const fields: Record<string, unknown> = carriesBody ? ((body as Record<string, unknown>) ?? {}) : query;
  for (const name of Object.keys(params)) {
    if (name in fields)
      throw new AppError('invalid_request', { errors: [{ path: name, message: 'Stands in the path' }] });
  }
  return { ...fields, ...params };
};

/**
 * Answers a request with an operation, as a span of the caller's trace. Never throws: what goes wrong becomes a problem.
 *
 * @example const { status, headers, body } = await answer(host, login, request, 'http');
 */
export const answer = (
  host: Host,
  op: Operation<any, any>,
  request: HttpRequest,
  door: Context['door'],
  deadline?: number,
): Promise<HttpResponse> => {
  const { tracer } = host.ports;
  const { traceparent } = request.headers;
  const work = (trace: Trace) => respond(host, op, request, door, trace, deadline);
  if (!tracer) return work(continueTrace(traceparent));
  return inServerSpan(tracer, { method: request.method, route: op.http?.path ?? op.name, traceparent }, work);
};

const respond = async (
  host: Host,
  op: Operation<any, any>,
  request: HttpRequest,
  door: Context['door'],
  trace: Trace,
  deadline?: number,
): Promise<HttpResponse> => {
  const { headers } = request;
  const requestId = requestIdOf(headers['x-request-id'], host.ports.ids.uuid);
  try {
    const presented =
      op.access === 'public' ? { caller: ANONYMOUS } : await authenticate(host.ports, headers.authorization);
    const context: Context = {
      request_id: requestId,
      trace,
      ...presented,
      client: { ip: request.ip, user_agent: headers['user-agent']?.slice(0, 512) },
      door,
      deadline,
    };
    const output = await invoke(host, op, inputOf(request), context);
    const status = op.http?.status ?? 200;
    const answered = { 'x-request-id': requestId, 'cache-control': op.http?.cache ?? 'no-store' };
    const { trace_id } = trace;
    if (status === 204) return { status, headers: answered, trace_id };
    return {
      status,
      headers: { ...answered, 'content-type': 'application/json' },
      body: JSON.stringify(output),
      trace_id,
    };
  } catch (thrown) {
    const error = toAppError(thrown);
    if (ERRORS[error.code].http >= 500) {
      host.ports.log.error('operation.failed', {
        operation: op.name,
        code: error.code,
        request_id: requestId,
        trace_id: trace.trace_id,
        cause: error.cause ?? error,
      });
    }
    return { ...problemResponse(error, requestId), trace_id: trace.trace_id };
  }
};
