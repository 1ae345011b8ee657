import type { APIGatewayProxyEventV2, Context as LambdaContext, SQSEvent } from 'aws-lambda';

/** An event as an API Gateway HTTP API sends it (payload format 2.0). */
export const httpEvent = (change: {
  method?: string;
  path?: string;
  query?: string;
  params?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string;
  base64?: boolean;
}): APIGatewayProxyEventV2 => {
  const { method = 'POST', path = '/', query = '', params, headers = {}, body, base64 = false } = change;
  return {
    version: '2.0',
    routeKey: `${method} ${path}`,
    rawPath: path,
    rawQueryString: query,
    cookies: ['session=not-looked-at'],
    headers: { 'content-type': 'application/json', ...headers },
    ...(params && { pathParameters: params }),
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'api.example.org',
      domainPrefix: 'api',
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: '203.0.113.7', userAgent: 'test/1' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: `${method} ${path}`,
      stage: '$default',
      time: '22/Nov/2026:12:00:00 +0000',
      timeEpoch: 1_795_348_800_000,
    },
    ...(body !== undefined && { body }),
    isBase64Encoded: base64,
  };
};

/** A batch as SQS brings it. */
export const queueEvent = (bodies: readonly string[]): SQSEvent => ({
  Records: bodies.map((body, n) => ({
    messageId: `message-${n}`,
    receiptHandle: `receipt-${n}`,
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(Date.now()),
      SenderId: 'sender',
      ApproximateFirstReceiveTimestamp: String(Date.now()),
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-central-1:123456789012:queue',
    awsRegion: 'eu-central-1',
  })),
});

export const lambdaContext = (remaining = 10_000): LambdaContext =>
  ({
    awsRequestId: '01890a5d-ac96-774b-bcce-b302099a8057',
    functionName: 'test',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:test',
    memoryLimitInMB: '512',
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => remaining,
  }) as LambdaContext;
