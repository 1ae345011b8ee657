/** The function behind no operation: health, documents, pages, and a problem for what no route takes. */
import { readFileSync } from 'node:fs';
import { PAGE_HEADERS, PAGES } from '../../delivery/pages.ts';
import { docsRoutes } from '../../documents/openapi/docs.ts';
import { AppError } from '../../kit/errors.ts';
import type { Host } from '../../kit/invoke.ts';
import { type HttpResponse, requestIdOf } from '../binding/binding.ts';
import { problemResponse } from '../binding/render.ts';
import { type Choose, container } from './container.ts';
import { fromHttpResponse, isHttpEvent, lowerCaseHeaders } from './http.ts';
import { stack } from './lambda.ts';
import { READY_PORTS, readiness } from './ready.ts';

interface Streamed {
  'x-streams'?: { elsewhere?: string };
}

interface Document {
  paths: Record<string, object>;
}

/** Only what asks for ports opens them. */
type Route = (open: () => Promise<Host>) => HttpResponse | Promise<HttpResponse>;

const json = (status: number, value: object): HttpResponse => ({
  status,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(value),
});

const fixed = (
  contentType: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse => ({
  status: 200,
  headers: { 'content-type': contentType, 'cache-control': 'no-cache', ...headers },
  body: typeof body === 'string' ? body : Buffer.from(body).toString(),
});

/** What `make` makes at the first call, from then on the same. */
const once = <T>(make: () => T): (() => T) => {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

/** The files of /docs are big: a container reads one when somebody asks for it. */
const docs = once(
  () =>
    new Map<string, Route>(
      docsRoutes().map(({ path, contentType, body }) => [
        path,
        async () => fixed(contentType, typeof body === 'string' ? body : await body()),
      ]),
    ),
);

const readyRoute = (): Route => {
  const ask = readiness();
  return async (open) => {
    const { ready, checks } = await ask((await open()).ports);
    return json(ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', checks });
  };
};

const routesOf = (readDocument: () => string, readEvents: () => string): Map<string, Route> =>
  new Map<string, Route>([
    ['/healthz', () => json(200, { status: 'ok' })],
    ['/readyz', readyRoute()],
    // as of a process (doors/http/static-routes.ts)
    ['/', () => ({ ...fixed('text/plain', '', { location: 'docs' }), status: 302 })],
    ['/openapi.json', () => fixed('application/json', readDocument())],
    ['/asyncapi.json', () => fixed('application/json', readEvents())],
    ...Object.entries(PAGES).map(([path, { type, body }]): [string, Route] => {
      const page = fixed(type, body, PAGE_HEADERS);
      return [path, () => page];
    }),
  ]);

const docsRoute = (path: string): Route | undefined => (/^\/docs(\/|$)/.test(path) ? docs().get(path) : undefined);

/** Why no operation took a request: its path is not ours, is ours with other methods, or streams, which nobody can here. */
const refusal = ({ paths }: Document, path: string, method: string): { error: AppError; allow?: string } => {
  const found = Object.entries(paths).find(([template]) =>
    new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
  );
  if (!found) return { error: new AppError('not_found', { detail: 'There is nothing at this address' }) };
  const streams = (found[1] as Record<string, Streamed>)[method.toLowerCase()]?.['x-streams'];
  if (streams) {
    const detail = `Streams are not offered here; ${streams.elsewhere} stands in`;
    return { error: new AppError('unimplemented', { detail }) };
  }
  return { error: new AppError('method_not_allowed'), allow: Object.keys(found[1]).join(', ').toUpperCase() };
};

/**
 * The handler of the default route of the API.
 *
 * @param file the OpenAPI document as JSON: served, and what says which methods a path has; asyncapi.json is beside it
 */
export const lambdaPlatform = (file: URL, choose: Choose) => {
  const open = container([...READY_PORTS, 'ids', 'metrics'], choose);
  const readDocument = once(() => readFileSync(file, 'utf8'));
  const document = once(() => JSON.parse(readDocument()) as Document);
  const routes = routesOf(
    readDocument,
    once(() => readFileSync(new URL('asyncapi.json', file), 'utf8')),
  );
  return stack('perfect21', async (event: unknown, context) => {
    if (!isHttpEvent(event)) throw new TypeError('the default route takes events of an HTTP API, payload format 2.0');
    const { method } = event.requestContext.http;
    const requestId = requestIdOf(lowerCaseHeaders(event.headers)['x-request-id'], () => context.awsRequestId);
    const route = routes.get(event.rawPath) ?? docsRoute(event.rawPath);
    if (route && (method === 'GET' || method === 'HEAD')) {
      const response = await route(open);
      const kind = response.headers['content-type']?.startsWith('text/html') ? 'page' : 'data';
      return fromHttpResponse({ ...response, kind, headers: { ...response.headers, 'x-request-id': requestId } });
    }
    const { error, allow } = route
      ? { error: new AppError('method_not_allowed'), allow: 'GET, HEAD' }
      : refusal(document(), event.rawPath, method);
    const problem = problemResponse(error, requestId);
    return fromHttpResponse({ ...problem, headers: { ...problem.headers, ...(allow && { allow }) } });
  });
};
