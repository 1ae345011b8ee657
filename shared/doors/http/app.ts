/** fastify as this door uses it: a router, whose own answers are problems like all others. */

import type { RequestListener, Server } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { AppError } from '../../kit/errors.ts';
import { requestIdOf } from '../binding/binding.ts';
import { problemResponse } from '../binding/render.ts';
import type { Door } from './door.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const WITH_BODY = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Ids and names in paths are shorter than this; a longer segment is refused with 414. */
const SEGMENT = 512;

/** No route has a schema of fastify's. */
const none = (): never => {
  throw new Error('routes have no schemas of fastify');
};

/** fastify's errors speak by status; what has none is ours and stays inside. */
const toProblemError = (thrown: Error & { statusCode?: number }): AppError => {
  if (thrown instanceof AppError) return thrown;
  const { statusCode = 500 } = thrown;
  if (statusCode >= 500) return new AppError('internal', { cause: thrown });
  return new AppError(statusCode === 414 ? 'uri_too_long' : 'invalid_request', { cause: thrown });
};

/**
 * Makes the application, without routes.
 *
 * @param serverOf makes the HTTP/1.1 server around fastify's handler
 */
export const createApp = (door: Door, serverOf: (handler: RequestListener) => Server): FastifyInstance => {
  const { ids, log } = door.host.ports;
  const unmatched = (method: string) =>
    door.reportOf({
      service: 'perfect21',
      method: METHODS.find((each) => each === method) ?? 'OTHER',
      endpoint: 'unmatched',
    });
  const reports = new Map([...METHODS, 'OTHER'].map((method) => [method, unmatched(method)]));

  const refuse = (thrown: Error, request: FastifyRequest, reply: FastifyReply, allow?: string): void => {
    const error = toProblemError(thrown);
    const requestId = requestIdOf(request.headers['x-request-id'] as string | undefined, ids.uuid);
    if (error.code === 'internal') log.error('http.failed', { request_id: requestId, cause: error.cause });
    const { status, headers, body } = problemResponse(error, requestId);
    door.send(request, reply, { status, headers: { ...headers, ...(allow && { allow }) }, body });
    const report = request.routeOptions.config.report ?? reports.get(request.method) ?? reports.get('OTHER')!;
    report(status, performance.now(), requestId);
  };

  const app = fastify({
    // the binding checks and writes; compilers that are given keep fastify from loading its own
    schemaController: { compilersFactory: { buildValidator: none, buildSerializer: none } },
    serverFactory: serverOf,
    logger: false,
    return503OnClosing: false,
    // the servers answer what is no request (http-servers.ts); fastify would answer it too
    clientErrorHandler: () => {},
    // the binding chooses the request's id
    requestIdHeader: false,
    genReqId: () => '',
    routerOptions: { maxParamLength: SEGMENT, querystringParser: (text: string) => text as never },
    frameworkErrors: (error, request, reply) => refuse(error, request as FastifyRequest, reply as FastifyReply),
  });

  // bodies are read by the route that takes them (http-read.ts), under its own limit
  for (const method of WITH_BODY) app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  app.setErrorHandler((error: Error, request, reply) => refuse(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const path = request.raw.url?.split('?')[0] ?? '/';
    const allowed = METHODS.filter((method) => app.findRoute({ method, url: path }) !== null);
    if (allowed.length === 0) return refuse(new AppError('not_found'), request, reply);
    const allow = allowed.join(', ');
    refuse(new AppError('method_not_allowed', { detail: `Allowed here: ${allow}` }), request, reply, allow);
  });
  return app;
};
