/**
 * The Lambda door. These files (lambda*.ts) are the only importers of middy and Powertools.
 *
 * A function is an operation behind one stack: logger, metrics (EMF), tracer. Ports are opened once a container, at its start.
 */
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyStructuredResultV2, Context as LambdaContext } from 'aws-lambda';
import { AppError, ERRORS, toAppError } from '../../kit/errors.ts';
import type { Host } from '../../kit/invoke.ts';
import { elsewhereOf, type Operation, streams } from '../../kit/operation.ts';
import { hostPorts } from '../../kit/reach.ts';
import { serviceOf } from '../../kit/service-name.ts';
import { fromXray } from '../../tracing/xray.ts';
import { answer, type HttpResponse, refuse as refuseAt, requestIdOf } from '../binding/binding.ts';
import { problemResponse } from '../binding/render.ts';
import { routesOf } from '../binding/route.ts';
import { type Choose, container } from './container.ts';
import { fromHttpResponse, isHttpEvent, lowerCaseHeaders, routeOfEvent, toHttpRequest } from './http.ts';
import { countColdStart, flushMetrics, log, loggerOf } from './observe.ts';

/** Milliseconds of a function's time that are left for the answer itself. */
const HEADROOM_MS = 200;

/** Unix ms at which the operation has to be done, so that its answer still gets out. */
export const deadlineOf = (host: Host, context: LambdaContext): number =>
  host.ports.clock.now() + Math.max(0, context.getRemainingTimeInMillis() - HEADROOM_MS);

type Tracing = typeof import('./tracer.heavy.ts');
// X-Ray's SDK is half of a bundle, so it is a file of its own that is loaded only where Lambda traces
const tracing: Promise<Tracing> | undefined =
  process.env.POWERTOOLS_TRACE_ENABLED === 'true' ? import('./tracer.heavy.ts') : undefined;

/** A handler behind the stack that all functions share. */
export const stack = <E, R>(service: string, handler: (event: E, context: LambdaContext) => Promise<R>) => {
  const stacked = middy(handler, { timeoutEarlyInMillis: 0 })
    .use(injectLambdaContext(loggerOf(service), { resetKeys: true }))
    .before(({ context }) => countColdStart(service, context.functionName))
    .after(flushMetrics)
    .onError(flushMetrics);
  if (!tracing) return stacked;
  const traced = tracing.then((module) => module.tracing(service));
  return stacked
    .before(async (request) => (await traced).before?.(request as never))
    .after(async (request) => (await traced).after?.(request as never))
    .onError(async (request) => (await traced).onError?.(request as never));
};

/** Runs a part of a function's work as a subsegment with annotations, by which X-Ray finds it; where nothing is traced, just runs it. */
export const inSubsegment = async <T>(
  name: string,
  annotations: Readonly<Record<string, string>>,
  work: () => Promise<T>,
): Promise<T> => (tracing ? (await tracing).subsegment(name, annotations, work) : work());

/** What is answered before there is a host to answer with. */
const refuse = (thrown: unknown, headers: Record<string, string | undefined>, fallbackId: string): HttpResponse => {
  const error = toAppError(thrown);
  if (ERRORS[error.code].http >= 500) {
    log.error('function.failed', { code: error.code, cause: error.cause ?? error });
  }
  return problemResponse(
    error,
    requestIdOf(headers['x-request-id'], () => fallbackId),
  );
};

/**
 * Runs one HTTP event by one of an operation's routes. Never throws for what a caller sent.
 *
 * @throws TypeError for an event that does not come from an HTTP API with payload format 2.0
 */
export const serveHttp = async (
  open: () => Promise<Host>,
  op: Operation<any, any>,
  event: unknown,
  context: LambdaContext,
): Promise<APIGatewayProxyStructuredResultV2> => {
  if (!isHttpEvent(event)) {
    throw new TypeError(`${op.name} takes events of an API Gateway HTTP API, payload format 2.0, and nothing else`);
  }
  const route = routeOfEvent(routesOf(op), event);
  const headers = lowerCaseHeaders(event.headers);
  let host: Host;
  try {
    host = await open();
  } catch (thrown) {
    // whatever keeps the ports shut, nothing was done, and the next event tries them again
    const cause = thrown instanceof AppError && thrown.code === 'unavailable' ? thrown : undefined;
    const error =
      cause ?? new AppError('unavailable', { detail: 'The service is starting', retry_after: 1, cause: thrown });
    return fromHttpResponse(refuse(error, headers, context.awsRequestId));
  }
  const { clock, metrics } = host.ports;
  const started = clock.now();
  let response: HttpResponse;
  try {
    const request = toHttpRequest(event, route.body);
    request.headers.traceparent ??= tracing && fromXray(process.env._X_AMZN_TRACE_ID);
    response = await answer(host, route, request, 'lambda', deadlineOf(host, context));
  } catch (thrown) {
    const requestId = requestIdOf(headers['x-request-id'], host.ports.ids.uuid);
    response = refuseAt(host, route, thrown, requestId);
  }
  const labels = { service: serviceOf(op), method: route.http.method, endpoint: route.http.path };
  metrics.count('perfect21_requests_total', { ...labels, status: String(response.status) });
  metrics.observe('perfect21_request_duration_seconds', labels, (clock.now() - started) / 1000);
  return fromHttpResponse(response);
};

/**
 * The handler of an operation's function.
 *
 * @example export const handler = await opened(lambda(login, ({ store }) => [systemClock, dynamodbStore(schema)]));
 */
export const lambda = (op: Operation<any, any>, choose: Choose) => {
  if (op.http.length === 0) throw new AppError('internal', { detail: `${op.name} has no HTTP binding` });
  if (streams(op))
    throw new Error(`${op.name} streams, which API Gateway can't: ${elsewhereOf(op) ?? 'nothing stands in'}`);
  const open = container([...hostPorts(op), 'metrics'], choose);
  const stacked = stack(serviceOf(op), (event: unknown, context) => serveHttp(open, op, event, context));
  return Object.assign(stacked, { open });
};
