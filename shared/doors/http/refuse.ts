/** Answers where no route is involved: on a response that nobody took, and on sockets that never became a request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../../kit/errors.ts';
import type { HttpResponse } from '../binding/binding.ts';
import { problemResponse } from '../binding/render.ts';

/** Node's and llhttp's names for what went wrong before there was a request. */
const errorOf = (code: string | undefined): AppError => {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new AppError('headers_too_large');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new AppError('payload_too_large');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError('request_timeout');
    default:
      return new AppError('invalid_request', { detail: 'This is not an HTTP request' });
  }
};

const wire = ({ status, headers, body = '' }: HttpResponse): string =>
  [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `date: ${new Date().toUTCString()}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body,
  ].join('\r\n');

/** The response that Node is about to write on a socket, if there is one. */
const pendingOf = (socket: Socket): ServerResponse | undefined =>
  (socket as { _httpMessage?: ServerResponse })._httpMessage ?? undefined;

/**
 * Answers a socket whose bytes are not a request (`clientError`) and closes it.
 *
 * An answer that is still being made for an earlier request goes first, so that nobody takes ours for it.
 */
export const refuseSocket = (
  error: NodeJS.ErrnoException,
  socket: Socket,
  security: Readonly<Record<string, string>>,
  newId: () => string,
): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { headers, ...rest } = problemResponse(errorOf(error.code), newId());
  const answer = wire({ ...rest, headers: { ...headers, ...security } });
  const close = (): void => void socket.end(answer, () => socket.destroy());
  const pending = pendingOf(socket);
  if (!pending) close();
  else if (pending.req.complete) pending.once('finish', close);
  else if (!pending.headersSent) close();
  else socket.destroy();
};

/** Answers a request for another protocol with a problem, and closes its connection. */
export const refuseUpgrade = (
  error: AppError,
  socket: Duplex,
  security: Readonly<Record<string, string>>,
  requestId: string,
): void => {
  const { headers, ...rest } = problemResponse(error, requestId);
  socket.on('error', () => socket.destroy());
  socket.end(wire({ ...rest, headers: { ...headers, ...security } }), () => socket.destroy());
};

/** Answers a request with a problem before it meets a route, and closes its connection (HTTP/1.1) or stream. */
export const refuseRequest = (
  error: AppError,
  request: IncomingMessage,
  response: ServerResponse,
  security: Readonly<Record<string, string>>,
  requestId: string,
): void => {
  const { status, headers, body = '' } = problemResponse(error, requestId);
  const upgrade = error.code === 'upgrade_required' && { upgrade: 'websocket', connection: 'upgrade, close' };
  const close = request.httpVersionMajor === 1 && { connection: 'close', ...upgrade };
  response.writeHead(status, { ...headers, ...security, 'content-length': Buffer.byteLength(body), ...close });
  response.end(request.method === 'HEAD' ? undefined : body);
};
