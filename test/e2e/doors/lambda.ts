import { randomUUID } from 'node:crypto';
import type { Context as LambdaContext } from 'aws-lambda';
import { serveHttp, stack } from '../../../shared/doors/lambda/lambda.ts';
import type { Host } from '../../../shared/kit/invoke.ts';
import type { Operation } from '../../../shared/kit/operation.ts';
import type { CallOptions, Door } from '../world.ts';
import { fromHttpResponse, toHttpRequest } from './http-request.ts';

/** The event that an API Gateway HTTP API makes of a call. */
export const lambdaEvent = (op: Operation<any, any>, input: object, options: CallOptions = {}) => {
  const { method, path, query, headers, body } = toHttpRequest(op, input, options);
  const template = (options.via ?? op.http[0])!.path;
  const pathParameters = template.match(/\{\w+\}/g)?.map((name) => name.slice(1, -1)) ?? [];
  const values = new RegExp(`^${template.replace(/\{\w+\}/g, '([^/]+)')}$`).exec(path)?.slice(1) ?? [];
  return {
    version: '2.0',
    routeKey: `${method} ${template}`,
    rawPath: path,
    rawQueryString: query,
    headers,
    ...(query && { queryStringParameters: Object.fromEntries(new URLSearchParams(query)) }),
    ...(pathParameters.length && {
      pathParameters: Object.fromEntries(pathParameters.map((name, n) => [name, decodeURIComponent(values[n]!)])),
    }),
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'api.example.org',
      domainPrefix: 'api',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: headers['user-agent'] },
      requestId: randomUUID(),
      routeKey: `${method} ${template}`,
      stage: '$default',
      time: '22/Nov/2026:12:00:00 +0000',
      timeEpoch: Date.now(),
    },
    body,
    isBase64Encoded: false,
  };
};

/** The function of an operation, given the event that an API Gateway HTTP API makes of a request (payload 2.0). */
export const lambdaDoor = (host: Host): Door => {
  const functions = new Map<Operation<any, any>, (event: unknown, context: LambdaContext) => Promise<any>>();
  const functionOf = (op: Operation<any, any>) => {
    const made =
      functions.get(op) ??
      stack(op.name.split('.')[0]!, (event: unknown, context) => serveHttp(async () => host, op, event, context));
    functions.set(op, made as any);
    return made as (event: unknown, context: LambdaContext) => Promise<any>;
  };
  return {
    name: 'Lambda event',
    call: async (op, input, options = {}) => {
      const event = lambdaEvent(op, input, options);
      const context = {
        awsRequestId: host.ports.ids.uuid(),
        functionName: op.name,
        getRemainingTimeInMillis: () => 29_000,
        callbackWaitsForEmptyEventLoop: false,
      } as LambdaContext;
      const response = await functionOf(op)(event, context);
      return fromHttpResponse(response.statusCode, response.headers?.['content-type'], response.body ?? '');
    },
  };
};
