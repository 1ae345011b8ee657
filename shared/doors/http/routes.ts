/** Operations as routes: request in, binding, answer out. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Service } from '../../kit/service.ts';
import { serviceName } from '../../kit/service-name.ts';
import { answer, type HttpResponse, refuse, requestIdOf } from '../binding/binding.ts';
import { type Route, routesOf } from '../binding/route.ts';
import type { Door } from './door.ts';
import type { Report } from './observation.ts';
import { announcesBody } from './read.ts';
import { takeBody, toRequest } from './request.ts';
import { respondStream } from './streaming.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How this route's answers are reported, for errors that come before its handler. */
    report?: Report;
  }
}

/** `/users/{user_id}` as fastify writes it; a colon of the template's own is doubled. */
export const toRoutePath = (template: string): string =>
  template.replaceAll(':', '::').replace(/\{([A-Za-z_]\w*)\}/g, ':$1');

const respond = async (
  door: Door,
  route: Route,
  report: Report,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> => {
  const { ports } = door.host;
  let started = performance.now();
  let response: HttpResponse;
  try {
    const body = announcesBody(request.raw)
      ? await takeBody(request.raw, route.body, door.limits.request_ms)
      : undefined;
    started = performance.now();
    const deadline = ports.clock.now() + door.limits.answer_ms;
    response = await answer(door.host, route, toRequest(request, route.parameters, body, door), 'http', deadline);
  } catch (thrown) {
    const requestId = requestIdOf(request.headers['x-request-id'] as string | undefined, ports.ids.uuid);
    response = refuse(door.host, route, thrown, requestId);
  }
  try {
    door.send(request, reply, response, response.kind);
  } catch (cause) {
    ports.log.error('http.unanswered', { operation: route.op.name, cause });
    reply.raw.destroy();
  }
  report(response.status, started, response.headers['x-request-id']!, response.trace_id);
};

/** Adds a route for each HTTP binding of each operation; HEAD comes with GET. */
export const addOperations = (app: FastifyInstance, services: readonly Service[], door: Door): void => {
  for (const { name, operations } of services) {
    const service = serviceName(name);
    for (const route of operations.flatMap(routesOf)) addRoute(app, service, route, door);
  }
};

const addRoute = (app: FastifyInstance, service: string, route: Route, door: Door): void => {
  const { method, path: endpoint } = route.http;
  const report = door.reportOf({ service, method, endpoint });
  const handle = route.streams ? respondStream : respond;
  app.route({
    method,
    url: toRoutePath(endpoint),
    config: { report },
    handler: (request, reply) => {
      door.asks(request, service);
      // not returned: the reply is ours, and fastify would wait for it
      void handle(door, route, report, request, reply);
    },
  });
};
