/**
 * Connections of an API Gateway WebSocket API, spoken to by its management API: `POST` and `DELETE` of
 * `<stage>/@connections/<id>`, signed.
 *
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
 */
import aws4 from 'aws4';
import { AppError } from '../kit/errors.ts';
import type { Connections } from '../ports/connections.ts';
import { type AwsOptions, credentialsOf, regionOf } from './settings.ts';

const ANSWER_MS = 3_000;

const away = (cause: unknown): never => {
  throw new AppError('unavailable', { detail: 'The connections are out of reach', retry_after: 1, cause });
};

/** @param url of the stage @example await openGateway('https://abc.execute-api.eu-central-1.amazonaws.com/ws').post(id, '{}') */
export const openGateway = (url: string, options: AwsOptions = {}): Connections => {
  const { origin, host, pathname } = new URL(url);
  const send = async (method: 'POST' | 'DELETE', id: string, body?: string): Promise<boolean> => {
    // ids end in "=": as AWS's own clients write them
    const path = `${pathname.replace(/\/$/, '')}/%40connections/${encodeURIComponent(id)}`;
    const content: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = {
      service: 'execute-api',
      region: await regionOf(options),
      method,
      host,
      path,
      headers: content,
      body,
    };
    const signed = aws4.sign(request, await credentialsOf(options));
    // of fetch itself
    const { Host: _h, 'Content-Length': _l, ...headers } = signed.headers as Record<string, string>;
    const init = { method, headers, signal: AbortSignal.timeout(ANSWER_MS), ...(body !== undefined && { body }) };
    const response = await fetch(origin + path, init).catch(away);
    await response.body?.cancel();
    if (response.status === 410) return false;
    return response.ok || away(new Error(`API Gateway answered ${response.status} to ${method}`));
  };
  return {
    post: (id, text) => send('POST', id, text),
    close: async (id) => void (await send('DELETE', id)),
  };
};
