/** Operations as routes: request in, binding, answer out. */
import type { Service } from '../../kit/service.ts';
import { serviceName } from '../../kit/service-name.ts';
import { answer, type HttpResponse, refuse, requestIdOf } from '../binding/binding.ts';
import { type Route, routesOf } from '../binding/route.ts';
import type { Door } from './door.ts';
import type { Exchange } from './exchange.ts';
import type { Report } from './observation.ts';
import { announcesBody } from './read.ts';
import { takeBody, toRequest } from './request.ts';
import type { Router } from './router.ts';
import { respondStream } from './streaming.ts';

const respond = async (door: Door, route: Route, report: Report, exchange: Exchange): Promise<void> => {
  const { ports } = door.host;
  const { request } = exchange;
  let started = performance.now();
  let response: HttpResponse;
  try {
    const body = announcesBody(request) ? await takeBody(request, route.body, door.limits.request_ms) : undefined;
    started = performance.now();
    const deadline = ports.clock.now() + door.limits.answer_ms;
    response = await answer(door.host, route, toRequest(exchange, route.parameters, body, door), 'http', deadline);
  } catch (thrown) {
    const requestId = requestIdOf(request.headers['x-request-id'] as string | undefined, ports.ids.uuid);
    response = refuse(door.host, route, thrown, requestId);
  }
  try {
    door.send(exchange, response, response.kind);
  } catch (cause) {
    const ids = { request_id: response.headers['x-request-id'], trace_id: response.trace_id };
    ports.log.error('http.unanswered', { operation: route.op.name, ...ids, cause });
    exchange.response.destroy();
  }
  report(response.status, started, response.headers['x-request-id']!, response.trace_id, response.traced);
};

/** Adds a route for each HTTP binding of each operation. */
export const addOperations = (router: Router, services: readonly Service[], door: Door): void => {
  for (const { name, operations } of services) {
    const service = serviceName(name);
    for (const route of operations.flatMap(routesOf)) addRoute(router, service, route, door);
  }
};

const addRoute = (router: Router, service: string, route: Route, door: Door): void => {
  const { method, path: endpoint } = route.http;
  const report = door.reportOf({ service, method, endpoint });
  const handle = route.streams ? respondStream : respond;
  router.add(
    method,
    endpoint,
    (exchange) => {
      door.asks(exchange.request, service);
      void handle(door, route, report, exchange);
    },
    report,
  );
};
