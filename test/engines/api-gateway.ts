/**
 * The management API of a WebSocket API for tests: connections that a test opens and ends, and what was posted to each.
 * Signatures are checked as AWS documents them, by code that is not the client's: a path is encoded twice.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { startDouble } from './double.ts';

const hash = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/** Whether a request is signed by this secret. */
const isSigned = ({ method, url = '', headers }: IncomingMessage, body: Buffer, secret: string): boolean => {
  const part = (name: string): string => new RegExp(`${name}=([^, ]+)`).exec(String(headers.authorization))?.[1] ?? '';
  const [, day = '', region = '', service = ''] = part('Credential').split('/');
  const names = part('SignedHeaders').split(';');
  const canonical = [
    method,
    url.split('/').map(encodeURIComponent).join('/'),
    '',
    ...names.map((name) => `${name}:${String(headers[name] ?? '').trim()}`),
    '',
    names.join(';'),
    hash(body),
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, hash(canonical)].join('\n');
  const key = [region, service, 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${secret}`, day));
  return names.includes('host') && service === 'execute-api' && hmac(key, text).toString('hex') === part('Signature');
};

/** Starts it. `sent` holds by connection what was posted; who is not open is gone (410). */
export const startGateway = async (options: { secret?: string; stage?: string } = {}) => {
  const { secret = 'local', stage = 'ws' } = options;
  const open = new Set<string>();
  const sent = new Map<string, any[]>();
  const closed: string[] = [];
  /** Answered in place of what is right, while it is set. */
  const fault: { status?: number } = {};
  const double = await startDouble((body, request, response) => {
    const [, of, connections, id = ''] = request.url!.split('/').map(decodeURIComponent);
    const answer = (status: number): void => void response.writeHead(status).end();
    if (!isSigned(request, body, secret)) return answer(403);
    if (of !== stage || connections !== '@connections') return answer(404);
    if (fault.status) return answer(fault.status);
    if (!open.has(id)) return answer(410);
    if (request.method === 'DELETE') {
      open.delete(id);
      closed.push(id);
      return answer(204);
    }
    sent.set(id, [...(sent.get(id) ?? []), JSON.parse(body.toString())]);
    return answer(200);
  });
  return { ...double, url: `${double.endpoint}/${stage}`, open, sent, closed, fault };
};

/** An event of a route of a WebSocket API. @example socketEvent('CONNECT', 'L0SM9cOFvHcCIhw=', { query: { ticket } }) */
export const socketEvent = (
  eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT',
  connectionId: string,
  more: { query?: Record<string, string>; headers?: Record<string, string>; body?: string; base64?: boolean } = {},
) => ({
  ...(eventType === 'CONNECT' && {
    headers: { Host: 'abc.execute-api.eu-central-1.amazonaws.com', ...more.headers },
    ...(more.query && { queryStringParameters: more.query }),
  }),
  ...(more.body !== undefined && { body: more.body }),
  isBase64Encoded: more.base64 ?? false,
  requestContext: {
    routeKey: { CONNECT: '$connect', MESSAGE: '$default', DISCONNECT: '$disconnect' }[eventType],
    eventType,
    connectionId,
    ...(eventType === 'DISCONNECT' && { disconnectStatusCode: 1001, disconnectReason: 'Going away' }),
    messageDirection: 'IN',
    stage: 'ws',
    requestId: 'JKJaXmPLvHcESHA=',
    apiId: 'abc',
    domainName: 'abc.execute-api.eu-central-1.amazonaws.com',
    connectedAt: 1_795_348_800_000,
    requestTimeEpoch: 1_795_348_800_000,
    identity: { sourceIp: '203.0.113.7', userAgent: 'test/1' },
  },
});
