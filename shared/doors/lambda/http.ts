/** API Gateway's HTTP API (payload format 2.0) in our terms and back. Pure. */
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { HttpRequest, HttpResponse } from '../binding/binding.ts';
import { type BodyRules, readBodyAs, readParams, readQuery } from '../binding/body.ts';
import { securityHeaders } from '../binding/headers.ts';
import { type PlaceHeaders, placeOf } from '../binding/place.ts';
import type { Route } from '../binding/route.ts';

/** In AWS nobody but the network in front reaches the API, or its word must not be taken: the operator says so. */
const NETWORK = process.env.PERFECT21_PLACE_HEADERS as PlaceHeaders | undefined;

/** True for an event of an HTTP API with payload format 2.0. */
export const isHttpEvent = (event: unknown): event is APIGatewayProxyEventV2 => {
  const { version, requestContext } = (event ?? {}) as Partial<APIGatewayProxyEventV2>;
  return version === '2.0' && typeof requestContext?.http?.method === 'string';
};

const present = (values: Record<string, string | undefined> | null | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(values ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined));

/** Header names in lower case, as AWS sends them and local emulators do not always. */
export const lowerCaseHeaders = (headers: APIGatewayProxyEventV2['headers'] | null): HttpRequest['headers'] =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));

/**
 * The request that an event carries. Credentials come in `Authorization` only, never in a cookie.
 *
 * The query is read from `rawQueryString`, because `queryStringParameters` joins repeated names with commas.
 *
 * @param rules of the body; their limit is bytes of the decoded body
 * @throws AppError as readBodyAs and readQuery do
 */
export const toHttpRequest = (event: APIGatewayProxyEventV2, rules: BodyRules): HttpRequest => {
  const headers = lowerCaseHeaders(event.headers);
  // the HTTP API takes them out of the headers
  if (event.cookies?.length) headers.cookie ??= event.cookies.join('; ');
  const body = event.body && event.isBase64Encoded ? Buffer.from(event.body, 'base64') : event.body;
  const { method } = event.requestContext.http;
  // null: there is something, which the binding refuses where nothing may be
  const refused = body && (method === 'GET' || method === 'HEAD');
  return {
    method,
    path: event.rawPath,
    params: readParams(present(event.pathParameters)),
    query: readQuery(event.rawQueryString),
    headers,
    body: refused ? null : readBodyAs({ contentType: headers['content-type'], body }, rules),
    ip: event.requestContext.http.sourceIp,
    ...(NETWORK && { place: () => placeOf(NETWORK, headers) }),
  };
};

// API Gateway speaks TLS only; an emulator on this machine does not
const SECURITY = securityHeaders(!process.env.PERFECT21_PUBLIC_URL?.startsWith('http:'));

/** Our answer as API Gateway wants it, with the security headers of data or of a page. */
export const fromHttpResponse = ({
  status,
  headers,
  body,
  kind = 'data',
}: HttpResponse): APIGatewayProxyStructuredResultV2 => ({
  statusCode: status,
  headers: { ...SECURITY[kind], ...headers },
  ...(body !== undefined && { body }),
  isBase64Encoded: false,
});

/** Which of an operation's routes an event is for. API Gateway says by its own name of the route, an emulator not always. */
export const routeOfEvent = (routes: readonly Route[], event: APIGatewayProxyEventV2): Route => {
  const { method } = event.requestContext.http;
  return (
    routes.find(({ http }) => event.routeKey === `${http.method} ${http.path}`) ??
    routes.find(({ http }) => http.method === method && matches(http.path, event.rawPath)) ??
    routes[0]!
  );
};

const matches = (template: string, path: string): boolean => {
  const [wanted, given] = [template.split('/'), path.split('/')];
  return wanted.length === given.length && wanted.every((part, at) => part.startsWith('{') || part === given[at]);
};
