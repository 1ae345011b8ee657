/** Questions of a sidecar to its platform, over REST: what a token does not say, and what is asked when the feed is silent. */
import { AppError, ERRORS, type ErrorCode } from '../kit/errors.ts';
import type { Operation } from '../kit/operation.ts';
import { traceparent } from '../kit/trace.ts';
import type { Trace } from '../ports/tracer.ts';

/** A sidecar that waits longer is of no use to who waits for it. */
const TIMEOUT_MS = 1_000;
const MAX_BYTES = 1024 * 1024;

export interface Origin {
  /**
   * Calls an operation that has an HTTP binding of method POST, or GETs with a query.
   *
   * @param trace that goes on there
   * @throws AppError as the platform answered it
   */
  call(callee: Pick<Operation<any, any>, 'http' | 'name'>, input: object, trace?: Trace): Promise<any>;
}

const errorOf = (status: number, body: { code?: string; detail?: string }): AppError => {
  const cause = new Error(`the platform answered ${status} ${body.code ?? ''}`);
  const code = body.code !== undefined && Object.hasOwn(ERRORS, body.code) ? (body.code as ErrorCode) : undefined;
  // what it does not let this process do is no fault of who asked
  const ours = code === undefined || code === 'unauthenticated' || code === 'forbidden' || code === 'internal';
  return ours || ERRORS[code].retry
    ? new AppError('unavailable', { detail: 'The platform can not be asked at present', retry_after: 1, cause })
    : new AppError(code, { detail: body.detail, cause });
};

/**
 * @param token of a service, shown with each question
 * @example await originOf('http://localhost:8080', token).call(checkPermission, { user_id, resource, action });
 */
export const originOf = (origin: string, token: string | undefined, get: typeof fetch = fetch): Origin => ({
  call: async ({ http, name }, input, trace) => {
    const [binding] = http;
    if (!binding) throw new Error(`${name} can't be asked over REST`);
    const { method, path } = binding;
    const query = method === 'GET' ? `?${new URLSearchParams(input as Record<string, string>)}` : '';
    const headers: Record<string, string> = {
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      ...(token && { authorization: `Bearer ${token}` }),
      ...(trace && { traceparent: traceparent(trace) }),
    };
    const body = method === 'POST' ? JSON.stringify(input) : undefined;
    let answer: { status: number; text: string };
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await get(`${origin}${path}${query}`, { method, headers, body, signal, redirect: 'error' });
      answer = { status: response.status, text: await response.text() };
    } catch (cause) {
      throw new AppError('unavailable', { detail: 'The platform is away', retry_after: 1, cause });
    }
    try {
      if (answer.text.length > MAX_BYTES) throw new Error('too large an answer');
      const value = JSON.parse(answer.text);
      if (answer.status < 300) return value;
      throw errorOf(answer.status, value);
    } catch (thrown) {
      throw thrown instanceof AppError ? thrown : errorOf(answer.status, {});
    }
  },
});
