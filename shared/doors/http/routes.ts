/** Operations as routes: request in, binding, answer out. */
import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { ERRORS } from '../../kit/errors.ts';
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

/** True when nobody is there to answer: of a connection that is cut off all requests go at once. */
const isGone = (request: IncomingMessage & { stream?: ServerHttp2Stream }): boolean =>
  request.httpVersionMajor === 2 && (request.stream?.destroyed || request.stream?.aborted) === true;

const respond = async (door: Door, route: Route, report: Report, exchange: Exchange): Promise<void> => {
  const { ports } = door.host;
  const { request } = exchange;
  let started = performance.now();
  let response: HttpResponse;
  try {
    const body = announcesBody(request)
      ? await takeBody(request, route.body, started + door.limits.request_ms)
      : undefined;
    started = performance.now();
    const deadline = ports.clock.now() + door.limits.answer_ms;
    response = await answer(door.host, route, toRequest(exchange, route.parameters, body, door), 'http', deadline);
  } catch (thrown) {
    const requestId = requestIdOf(request.headers['x-request-id'] as string | undefined, ports.ids.uuid);
    if (isGone(request)) return report(ERRORS.cancelled.http, started, requestId);
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
    const places = Map.groupBy(operations.flatMap(routesOf), ({ http }) => `${http.method} ${http.path}`);
    for (const [route, ...others] of places.values()) addRoute(router, service, route!, others, door);
  }
};

/** True where a request asks for a media type by its name. */
const asksFor = ({ headers }: IncomingMessage, type: string): boolean =>
  String(headers.accept ?? '')
    .split(',')
    .some((each) => each.split(';')[0]!.trim().toLowerCase() === type);

/** @param others at the same place, each for a media type of its own */
const addRoute = (router: Router, service: string, first: Route, others: readonly Route[], door: Door): void => {
  const { method, path: endpoint } = first.http;
  const report = door.reportOf({ service, method, endpoint });
  const all = [first, ...others].sort((one, other) => (one.http.accept ? 1 : 0) - (other.http.accept ? 1 : 0));
  const [usual, ...named] = all as [Route, ...Route[]];
  if (named.some(({ http }) => !http.accept)) throw new Error(`${method} ${endpoint} is bound twice`);
  const choose = (request: IncomingMessage): Route =>
    named.length === 0 ? usual : (named.find(({ http }) => asksFor(request, http.accept!)) ?? usual);
  router.add(
    method,
    endpoint,
    (exchange) => {
      door.asks(exchange.request, service);
      const route = choose(exchange.request);
      void (route.streams ? respondStream : respond)(door, route, report, exchange);
    },
    report,
  );
};
