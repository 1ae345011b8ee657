/** An operation's input as the HTTP request that its contract describes. */
import type { Operation } from '../../../shared/kit/operation.ts';
import type { CallOptions, Outcome } from '../world.ts';

export interface PlainRequest {
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  body?: string;
}

export const toHttpRequest = (
  op: Operation<any, any>,
  input: object,
  { token, user_agent }: CallOptions,
): PlainRequest => {
  if (!op.http) throw new Error(`${op.name} has no HTTP binding`);
  const left: Record<string, unknown> = { ...input };
  const path = op.http.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = left[name];
    delete left[name];
    return encodeURIComponent(String(value));
  });
  const { method } = op.http;
  const headers: Record<string, string> = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    'user-agent': user_agent ?? 'test',
  };
  if (method === 'GET' || method === 'DELETE') {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(left)) query.set(name, String(value));
    return { method, path, query: query.toString(), headers };
  }
  return {
    method,
    path,
    query: '',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(left),
  };
};

/** An HTTP answer as an outcome; a problem has to be a whole problem (RFC 9457). */
export const fromHttpResponse = (status: number, contentType: string | undefined, text: string): Outcome => {
  const body = text === '' ? {} : JSON.parse(text);
  if (status < 400) return { ok: true, body };
  const whole = contentType === 'application/problem+json' && body.status === status && body.title && body.type;
  if (!whole) throw new Error(`not a problem: ${status} ${contentType} ${text}`);
  return { ok: false, code: body.code, errors: body.errors, body: undefined };
};
