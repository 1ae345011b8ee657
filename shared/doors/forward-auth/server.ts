/** The HTTP port of a process that only verifies: forward-auth, and whether the process lives and is ready. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Http2Server } from 'node:http2';
import { AppError } from '../../kit/errors.ts';
import type { Host } from '../../kit/invoke.ts';
import type { Live } from '../../system/live.ts';
import { requestIdOf } from '../binding/binding.ts';
import { securityHeaders } from '../binding/headers.ts';
import { openFront, type Pems } from '../http/front.ts';
import { HTTP_LIMITS } from '../http/limits.ts';
import { refuseRequest } from '../http/refuse.ts';
import { createServers } from '../http/servers.ts';
import { forwardAuth } from './handler.ts';

export interface VerifyOptions {
  host: string;
  port: number;
  tls?: Live<Pems>;
  /** What has to be there, by name. */
  checks(): Promise<Readonly<Record<string, boolean>>>;
}

/**
 * Opens the port, for HTTP/1.1 and HTTP/2.
 *
 * @throws StartError when it is taken
 */
export const startVerify = async (
  host: Host,
  options: VerifyOptions,
): Promise<{ port: number; stop(): Promise<void> }> => {
  const { ids } = host.ports;
  const security = securityHeaders(options.tls !== undefined).data;
  let stopping = false;

  const idOf = ({ headers }: IncomingMessage): string => requestIdOf(headers['x-request-id'] as string, ids.uuid);
  const json = (request: IncomingMessage, response: ServerResponse, status: number, value: object): void => {
    const body = JSON.stringify(value);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    response.writeHead(status, { ...headers, 'cache-control': 'no-store', 'x-request-id': idOf(request) });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const ready = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const checks = await options.checks();
    const well = !stopping && Object.values(checks).every(Boolean);
    const told = Object.entries(checks).map(([name, ok]) => [name, { status: ok ? 'ok' : 'unavailable' }]);
    const status = stopping ? 'stopping' : well ? 'ok' : 'unavailable';
    json(request, response, well ? 200 : 503, { status, checks: Object.fromEntries(told) });
  };
  const handle: RequestListener = (request, response) => {
    const path = request.url?.split('?')[0];
    const read = request.method === 'GET' || request.method === 'HEAD';
    if (read && path === '/healthz') json(request, response, 200, { status: 'ok' });
    else if (read && path === '/readyz') void ready(request, response);
    else refuseRequest(new AppError('not_found'), request, response, security, idOf(request));
  };
  const servers = createServers(handle, { limits: HTTP_LIMITS, security, newId: ids.uuid, before: forwardAuth(host) });
  const front = await openFront({
    host: options.host,
    port: options.port,
    variable: 'PERFECT21_HTTP_PORT',
    tls: options.tls,
    limits: HTTP_LIMITS,
    h1: servers.h1,
    h2: servers.h2 as Http2Server,
    onConnection: () => {},
  });
  return {
    port: front.port,
    stop: () => {
      stopping = true;
      return front.stop();
    },
  };
};
