/** An operation's input as the HTTP request that its contract describes. */
import { type BodyKind, kindsOf } from '../../../shared/kit/binding.ts';
import type { Operation } from '../../../shared/kit/operation.ts';
import { isStream, NDJSON } from '../../../shared/kit/stream.ts';
import type { CallOptions, Outcome } from '../world.ts';

export interface PlainRequest {
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  body?: string;
}

/** A list of words as the contract writes it in a query: with commas. */
const text = (value: unknown): string => {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

const bodyOf = (kind: BodyKind, fields: Record<string, unknown>): [type: string, body: string] => {
  if (kind === 'json') return ['application/json', JSON.stringify(fields)];
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) for (const each of [value].flat()) form.append(name, text(each));
  return ['application/x-www-form-urlencoded', form.toString()];
};

export const toHttpRequest = (
  op: Operation<any, any>,
  input: object,
  { token, user_agent, via, kind: wanted }: CallOptions,
): PlainRequest => {
  const http = via ?? op.http[0];
  if (!http) throw new Error(`${op.name} has no HTTP binding`);
  const kind = wanted ?? kindsOf(http)[0];
  const ndjson = isStream(op.input);
  const left: Record<string, unknown> = { ...input };
  const path = http.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = left[name];
    delete left[name];
    return encodeURIComponent(text(value).toWellFormed());
  });
  const { method } = http;
  const headers: Record<string, string> = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    'user-agent': user_agent ?? 'test',
  };
  // of rows the input is the only one
  if (ndjson) {
    const type = { 'content-type': NDJSON };
    return { method, path: http.path, query: '', headers: { ...headers, ...type }, body: JSON.stringify(input) };
  }
  if (!kind) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(left)) query.set(name, text(value));
    return { method, path, query: query.toString(), headers };
  }
  const [type, body] = bodyOf(kind, left);
  return { method, path, query: '', headers: { ...headers, 'content-type': type }, body };
};

/** An HTTP answer as an outcome; a problem has to be a whole problem (RFC 9457), but for those of OAuth (RFC 6749, 5.2). */
export const fromHttpResponse = (status: number, contentType: string | undefined, text: string): Outcome => {
  const told = contentType === 'text/event-stream' ? /^data: (.*)$/m.exec(text)![1]! : text;
  // of rows the first is the answer
  const [first = ''] = contentType === NDJSON ? told.split('\n') : [told];
  const body = first === '' ? {} : JSON.parse(first);
  if (status < 400) return { ok: true, body };
  // an emulator adds the charset
  if (contentType?.startsWith('application/json') && typeof body.error === 'string') {
    return { ok: false, code: body.error, errors: undefined, body: undefined };
  }
  const whole = contentType === 'application/problem+json' && body.status === status && body.title && body.type;
  if (!whole) throw new Error(`not a problem: ${status} ${contentType} ${text}`);
  return { ok: false, code: body.code, errors: body.errors, body: undefined };
};
