/** The two protocol servers behind the port, bounded as `HttpLimits` says, in front of one handler. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { AppError } from '../../kit/errors.ts';
import { requestIdOf } from '../binding/binding.ts';
import { saidTwice } from '../binding/once.ts';
import { makeFair } from '../fairness/fair-http2.ts';
import { NO_OTHER_BRAKE } from '../fairness/reset-brake.ts';
import type { Sockets } from '../websocket/websocket.ts';
import type { HttpLimits } from './limits.ts';
import { refuseRequest, refuseSocket, refuseUpgrade } from './refuse.ts';

/** Answers some requests before anything else looks at them: true for one that it took. */
export type Before = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface ServerOptions {
  before?: Before;
  limits: HttpLimits;
  security: Readonly<Record<string, string>>;
  newId(): string;
  /** What pages of other origins are told; takes what they ask before they call. */
  pages?: Before | undefined;
  /** Where connections are upgraded to WebSockets. */
  sockets?: Sockets;
}

/** What is refused before routing, if anything. */
const objection = (request: IncomingMessage, limits: HttpLimits): AppError | undefined => {
  const { url = '', httpVersion, headers, rawHeaders } = request;
  if (url.length > limits.url) return new AppError('uri_too_long');
  if (httpVersion === '1.1' && headers.host === undefined) {
    return new AppError('invalid_request', { detail: 'HTTP/1.1 needs a Host header' });
  }
  // HTTP/0.9 has neither headers nor a status to answer with
  if (httpVersion === '0.9') return new AppError('invalid_request', { detail: 'A request names its version of HTTP' });
  const twice = saidTwice(rawHeaders);
  if (twice) return new AppError('invalid_request', { detail: `${twice} may be given once` });
  // RFC 9113, 8.3.1: both say whom the request is for
  const authority = httpVersion === '2.0' && headers.host !== undefined && headers[':authority'];
  if (authority && authority !== headers.host) {
    return new AppError('invalid_request', { detail: 'host and :authority differ' });
  }
  return undefined;
};

/** Makes both servers. Neither listens: `openFront` brings them their connections. */
export const createServers = (
  handler: RequestListener,
  { limits, security, newId, sockets, before, pages }: ServerOptions,
): { h1: Server; h2: Http2Server } => {
  const refuse = (error: AppError, request: IncomingMessage, response: ServerResponse): void =>
    refuseRequest(error, request, response, security, requestIdOf(request.headers['x-request-id'] as string, newId));

  const entry: RequestListener = (request, response) => {
    if (before?.(request, response) || pages?.(request, response)) return;
    const error = objection(request, limits);
    if (error) return refuse(error, request, response);
    if (sockets?.misses(request)) return refuse(new AppError('upgrade_required'), request, response);
    handler(request, response);
  };
  const unexpected: RequestListener = (request, response) =>
    refuse(new AppError('invalid_request', { detail: 'This expectation is not met here' }), request, response);

  const h1 = createServer(
    {
      maxHeaderSize: limits.headers,
      headersTimeout: Math.min(limits.headers_ms, limits.request_ms),
      // a stream may take its time: whoever reads a body bounds it (read.ts, streaming.ts)
      requestTimeout: 0,
      keepAliveTimeout: limits.idle_ms,
      connectionsCheckingInterval: limits.sweep_ms,
      // ours answers with a problem instead of an empty 400
      requireHostHeader: false,
      // whatever else a client would rather speak is answered as the request that it is
      shouldUpgradeCallback: (request) => sockets?.takes(request) ?? false,
    },
    entry,
  );
  h1.on('checkExpectation', unexpected);
  h1.on('clientError', (error, socket) => refuseSocket(error, socket as never, security, newId));

  if (sockets) {
    h1.on('upgrade', (request, socket, head) => {
      const error = objection(request, limits);
      const refused = (why: AppError): void =>
        refuseUpgrade(why, socket, { ...security, 'sec-websocket-version': '13' }, newId());
      if (error) refused(error);
      else sockets.upgrade(request, socket, head, refused);
    });
  }

  const settings = { maxConcurrentStreams: limits.streams, maxHeaderListSize: limits.headers };
  const h2 = createHttp2Server({
    settings,
    ...NO_OTHER_BRAKE,
    maxSessionMemory: 10,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: limits.streams,
  });
  h2.on('request', entry as never);
  h2.on('checkExpectation', unexpected as never);
  makeFair(h2, settings, limits);
  return { h1, h2 };
};
