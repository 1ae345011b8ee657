/**
 * The door of API Gateway's WebSocket APIs: `$connect`, `$default` and `$disconnect` as operations. Gateway holds the
 * connection, so a function can refuse it, hear it and end it, but gives no close code: the status of a refusal is what
 * a client gets before its connection is open, and what ends it afterwards is told by a frame.
 */
import type { APIGatewayProxyStructuredResultV2, Context as LambdaContext } from 'aws-lambda';
import { originsOf } from '../../config/config.ts';
import { PLATFORM } from '../../kit/access.ts';
import { Buckets } from '../../kit/buckets.ts';
import { ANONYMOUS, type Context } from '../../kit/context.ts';
import { AppError, ERRORS, toAppError } from '../../kit/errors.ts';
import { type Host, invoke } from '../../kit/invoke.ts';
import type { Operation } from '../../kit/operation.ts';
import { hostPorts } from '../../kit/reach.ts';
import { serviceOf } from '../../kit/service-name.ts';
import { continueTrace } from '../../kit/trace.ts';
import { originRule } from '../binding/origins.ts';
import { SOCKET_LIMITS } from '../websocket/limits.ts';
import { readObject, saidOf } from '../websocket/said.ts';
import { type Choose, container } from './container.ts';
import { lowerCaseHeaders } from './http.ts';
import { deadlineOf, stack } from './lambda.ts';
import { log } from './observe.ts';

/** An event of a WebSocket API, as far as it is read. */
interface SocketEvent {
  requestContext: {
    connectionId: string;
    eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT';
    identity?: { sourceIp?: string; userAgent?: string | null };
    disconnectStatusCode?: number;
  };
  headers?: Record<string, string>;
  queryStringParameters?: Record<string, string> | null;
  body?: string | null;
  isBase64Encoded?: boolean;
}

type Result = Pick<APIGatewayProxyStructuredResultV2, 'statusCode'>;

const isSocketEvent = (event: unknown): event is SocketEvent => {
  const { connectionId, eventType } = (event as Partial<SocketEvent> | undefined)?.requestContext ?? {};
  return typeof connectionId === 'string' && /^(CONNECT|MESSAGE|DISCONNECT)$/.test(eventType ?? '');
};

/** How a refusal is told before a WebSocket is open: with the close code 4403 of other doors as 403. */
const statusOf = ({ code }: AppError): number => (code === 'invalid_token' ? 403 : ERRORS[code].http);

/** How often each connection spoke lately to this container. */
const spoken = new Buckets();

const inputOf = (event: SocketEvent): object => {
  const { connectionId: connection_id, eventType } = event.requestContext;
  if (eventType === 'DISCONNECT') return { connection_id };
  if (eventType === 'CONNECT') return { ticket: '', ...event.queryStringParameters, connection_id };
  const { body, isBase64Encoded } = event;
  const text = isBase64Encoded ? '' : (body ?? '');
  const told = Buffer.byteLength(text) > SOCKET_LIMITS.message ? undefined : readObject(text);
  const said = told && saidOf(told);
  if (!said) throw new AppError('invalid_request');
  return { ...said, connection_id };
};

/** Takes an event to the operation. @throws AppError */
const serve = async (host: Host, op: Operation<any, any>, event: SocketEvent, context: Context): Promise<void> => {
  const { connectionId, eventType } = event.requestContext;
  if (eventType === 'CONNECT') {
    const { PERFECT21_PUBLIC_URL = '', PERFECT21_ORIGINS } = process.env;
    const { origin } = lowerCaseHeaders(event.headers ?? {});
    if (!originRule(PERFECT21_PUBLIC_URL, originsOf(PERFECT21_ORIGINS))(origin)) throw new AppError('invalid_token');
  }
  const { now } = host.ports.clock;
  if (eventType === 'MESSAGE' && spoken.take(connectionId, SOCKET_LIMITS.per_second, 1_000, now()) > 0)
    throw new AppError('too_many_requests');
  await invoke(host, op, inputOf(event), context);
};

/**
 * Answers one event of a WebSocket API. What a connection may not say ends it.
 *
 * @throws TypeError for an event of another kind
 */
export const serveSocket = async (
  host: Host,
  op: Operation<any, any>,
  event: unknown,
  lambda: LambdaContext,
): Promise<Result> => {
  if (!isSocketEvent(event)) throw new TypeError(`${op.name} takes events of a WebSocket API, and nothing else`);
  const { connectionId, eventType, identity, disconnectStatusCode } = event.requestContext;
  const { metrics, connections } = host.ports;
  const context: Context = {
    request_id: lambda.awsRequestId,
    trace: continueTrace(),
    // strangers open connections, and Gateway itself tells of those that are open
    caller: eventType === 'CONNECT' ? ANONYMOUS : PLATFORM,
    client: { ip: identity?.sourceIp, user_agent: identity?.userAgent?.slice(0, 512) },
    door: 'lambda',
    deadline: deadlineOf(host, lambda),
  };
  if (eventType === 'DISCONNECT')
    metrics.count('perfect21_websockets_closed_total', { code: String(disconnectStatusCode ?? 1005) });
  try {
    await serve(host, op, event, context);
    return { statusCode: 200 };
  } catch (thrown) {
    const error = toAppError(thrown);
    const statusCode = statusOf(error);
    if (statusCode >= 500) {
      const { request_id, trace } = context;
      const told = { operation: op.name, code: error.code, request_id, trace_id: trace.trace_id };
      host.ports.log.error('operation.failed', { ...told, cause: error.cause ?? error });
    } else if (eventType === 'MESSAGE') await connections.close(connectionId);
    return { statusCode };
  }
};

/**
 * The handler of a route of a WebSocket API.
 *
 * @example export const handler = await opened(lambdaSocket(openConnection, ({ store }) => [systemClock, …]));
 */
export const lambdaSocket = (op: Operation<any, any>, choose: Choose) => {
  // nobody calls it but the API
  const open = container([...hostPorts({ ...op, access: 'public' }), 'metrics'], choose);
  const stacked = stack(serviceOf(op), async (event: unknown, context: LambdaContext) => {
    const host = await open().catch((cause) => log.error('function.failed', { code: 'unavailable', cause }));
    return host ? serveSocket(host, op, event, context) : { statusCode: ERRORS.unavailable.http };
  });
  return Object.assign(stacked, { open });
};
