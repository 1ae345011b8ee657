/** One address for callers, as a gateway gives it: each path leads to the service that answers it. */
import { request as ask, createServer, type Server } from 'node:http';
import { platform } from '../../../functions/index.ts';
import type { ServiceName } from '../../../shared/config/services.ts';
import { listening } from '../../../shared/system/listening.ts';

/** A pattern of each path of the table: `{user_id}` is one part. */
const ROUTES = platform.flatMap(({ name, operations }) =>
  operations.flatMap(({ http }) =>
    http.map(({ method, path }) => ({
      method: method as string,
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`),
      exact: !path.includes('{'),
      service: name as ServiceName,
    })),
  ),
);

/** Whose path it is: one without parameters before those with them. What no service has, documents and pages, is auth's. */
export const serviceAt = (method: string, path: string): ServiceName => {
  const fitting = ROUTES.filter(({ pattern }) => pattern.test(path));
  const found =
    fitting.find((route) => route.exact && route.method === method) ?? fitting.find((each) => each.method === method);
  return (found ?? fitting[0])?.service ?? 'auth';
};

/**
 * Passes requests on over HTTP/1.1. A service that is away is 503.
 *
 * @param portOf where a service listens on this machine
 * @throws StartError when the port is taken
 */
export const startFront = async (port: number, portOf: (service: ServiceName) => number): Promise<Server> => {
  const server = createServer((request, response) => {
    const { method = 'GET', url = '/', headers, socket } = request;
    const target = { host: '127.0.0.1', port: portOf(serviceAt(method, url.split('?')[0]!)), method, path: url };
    const forwarded = { ...headers, 'x-forwarded-for': socket.remoteAddress ?? '' };
    const onwards = ask({ ...target, headers: forwarded }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onwards.on('error', () => {
      if (response.headersSent) return void response.destroy();
      const body = {
        type: 'urn:perfect21:error:unavailable',
        title: 'The service is away',
        status: 503,
        code: 'unavailable',
      };
      response.writeHead(503, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
    });
    response.on('close', () => onwards.destroy());
    request.pipe(onwards);
  });
  await listening(server, { host: '127.0.0.1', port }, 'the front');
  return server;
};
