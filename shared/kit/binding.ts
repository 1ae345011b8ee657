/** How an operation is spoken to: its HTTP bindings and its RPCs. Data, and pure functions where shapes differ. */
import type * as z from 'zod';
import type { AppError, ErrorCode } from './errors.ts';

/** `json`: application/json. `form`: application/x-www-form-urlencoded, which gives the same input as its JSON twin. */
export type BodyKind = 'json' | 'form';

/** An answer that a binding may give beside problems (RFC 9457), which every binding may. */
export interface HttpAnswer {
  status: number;
  /** `redirect` is a 3xx with `Location`, `page` is HTML, `empty` has no body. */
  kind: 'json' | 'empty' | 'redirect' | 'page';
  /** Of JSON that is not the operation's output. */
  schema?: z.ZodType;
  description?: string;
}

/** What a binding answers: one of its declared answers. Header names are in lower case. */
export type Answered = { status: number; headers?: Readonly<Record<string, string>> } & (
  | { kind: 'json'; json: unknown }
  | { kind: 'empty' }
  | { kind: 'redirect'; location: string }
  | { kind: 'page'; page: string }
);

export interface HttpBinding<I = any, O = any> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** OpenAPI template, e.g. `/api/v1/users/{user_id}`. Parameters, query and body together are the input. */
  path: `/${string}`;
  /** What a body may be. When left out: JSON for POST, PUT and PATCH, and none for GET and DELETE. */
  body?: readonly BodyKind[];
  /** 200 when left out; 204 sends no body. */
  status?: 200 | 201 | 202 | 204;
  /** Body limit in bytes: 64 KiB when left out. */
  limit?: number;
  /** How the rows of an output that streams are written: `events` are Server-Sent Events, each with the row's `id`. NDJSON when left out. */
  rows?: 'ndjson' | 'events';
  /** Shares method and path with another binding, and is taken where the request asks for this media type. */
  accept?: string;
  /** Of events: the field of the input that a browser's `Last-Event-ID` fills when it comes back. */
  resumes?: string;
  /** `Cache-Control`; `no-store` when left out. */
  cache?: string;
  /** What the caller sends here, where that is not the operation's input; `request` makes the input of it. */
  input?: z.ZodType;
  request?: (fields: any) => I;
  /** All answers that `answer` and `failure` give, where there are others than the output as JSON. */
  answers?: readonly HttpAnswer[];
  /** @param sent the fields as the caller sent them */
  answer?: (output: O, sent: unknown) => Answered;
  /** For errors that are answered otherwise than as a problem here; undefined: a problem after all. */
  failure?: (error: AppError) => Answered | undefined;
  /** Codes that are told as others here. */
  instead?: Readonly<Partial<Record<ErrorCode, ErrorCode>>>;
  /**
   * `basic`: the operation judges a client's HTTP Basic credentials (RFC 7617) itself. The door hands them on as
   * `context.basic`, as they came, and asks for them with `WWW-Authenticate`. Where the operation is public, a bearer
   * token comes as `context.bearer`, unjudged too.
   */
  credentials?: 'basic';
}

/** A gRPC method, and pure functions where the message differs from input and output. */
export interface RpcBinding<I = any, O = any> {
  /** `package.Service/Method` as in proto/. */
  method: `${string}/${string}`;
  request?: (message: any) => I;
  response?: (output: O) => object;
  /** For errors that this method answers in the message instead of as a status; undefined: a status after all. */
  failure?: (code: ErrorCode) => object | undefined;
}

/** @example kindsOf({ method: 'POST', path: '/things' }) // ['json'] */
export const kindsOf = ({ method, body }: HttpBinding): readonly BodyKind[] =>
  body ?? (method === 'GET' || method === 'DELETE' ? [] : ['json']);

/** The answers of a binding that are no problems. */
export const answersOf = ({ answers, status = 200 }: HttpBinding): readonly HttpAnswer[] =>
  answers ?? [{ status, kind: status === 204 ? 'empty' : 'json' }];

/** What is wrong with a binding that no type can say, if anything. */
const fault = (binding: HttpBinding, streams: boolean): string | undefined => {
  const kinds = kindsOf(binding);
  if (binding.method === 'GET' && kinds.length) return 'GET takes no body';
  if ((binding.answer || binding.failure) && !binding.answers) return 'answer and failure need declared answers';
  if (streams && (binding.body || binding.answers || binding.request || binding.status)) {
    return 'a stream is NDJSON and nothing else';
  }
  if (binding.input && !binding.request) return 'an input of its own needs request';
  for (const { status, kind } of binding.answers ?? []) {
    if (kind === 'redirect' ? status < 300 || status > 399 : status >= 300 && status <= 399) {
      return `${status} is no status of ${kind}`;
    }
  }
  return undefined;
};

const listOf = <T>(given: T | readonly T[] | undefined): readonly T[] =>
  given === undefined ? [] : Array.isArray(given) ? given : [given as T];

/** The bindings of an operation as a list. @throws Error for one that contradicts itself, or one said twice */
export const httpBindings = (
  name: string,
  given: HttpBinding | readonly HttpBinding[] | undefined,
  streams: boolean,
): readonly HttpBinding[] => {
  const bindings = listOf(given);
  const seen = new Set<string>();
  for (const binding of bindings) {
    const route = `${binding.method} ${binding.path}`;
    const wrong = seen.has(route) ? 'bound twice' : fault(binding, streams);
    if (wrong) throw new Error(`operation ${name}, ${route}: ${wrong}`);
    seen.add(route);
  }
  return bindings;
};

export const rpcBindings = (given: RpcBinding | readonly RpcBinding[] | undefined): readonly RpcBinding[] =>
  listOf(given);
