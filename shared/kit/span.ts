/** Work inside a span. Where nothing is recorded, it is the work and nothing else. */

import type { Span, SpanAttributes, SpanKind, Trace } from '../ports/tracer.ts';
import { AppError, ERRORS } from './errors.ts';
import { type RowsEnd, watchedRows } from './watched-rows.ts';

/** Ends a span with what was thrown: by code or name, as a failure unless the caller is at fault. */
export const endFailed = (span: Span, thrown: unknown): void => {
  if (thrown instanceof AppError) span.end(thrown.code, ERRORS[thrown.code].http >= 500);
  else span.end(thrown instanceof Error ? thrown.name : 'unknown');
};

/**
 * Does `work` inside a span below `trace`, which ends when the work has. The work gets the trace to go on with.
 *
 * @example inSpan(context.trace, 'transact', 'client', () => ({ 'db.operation.name': 'transact' }), (trace) => commit(trace));
 */
export const inSpan = <T>(
  trace: Trace,
  name: string,
  kind: SpanKind,
  attributes: (() => SpanAttributes) | undefined,
  work: (trace: Trace) => Promise<T>,
): Promise<T> => {
  const { tracer } = trace;
  if (!tracer) return work(trace);
  const span = tracer.start(name, kind, trace, attributes?.());
  const run = async (): Promise<T> => {
    try {
      const result = await work(span.trace);
      span.end();
      return result;
    } catch (thrown) {
      endFailed(span, thrown);
      throw thrown;
    }
  };
  return run();
};

/**
 * Ends the span of a request with its answer. That of an answer in rows ends with them, and says how: what went wrong after
 * the first row stands in no status.
 */
export const endWithAnswer = <R extends { status: number; rows?: AsyncIterable<unknown> }>(
  span: Span,
  response: R,
): R => {
  span.set({ 'http.response.status_code': response.status });
  if (response.rows) {
    const end = (how: RowsEnd): void => ('thrown' in how ? endFailed(span, how.thrown) : span.end());
    return { ...response, rows: watchedRows(response.rows, end) };
  }
  span.end(response.status >= 500 ? String(response.status) : undefined);
  return response;
};
