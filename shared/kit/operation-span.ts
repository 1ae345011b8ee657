/** An operation as a span: what ran and whether it worked, by the names that dashboards of functions look for. */
import type { Trace, Tracer } from '../ports/tracer.ts';
import { AppError } from './errors.ts';
import type { Operation } from './operation.ts';
import { endFailed } from './span.ts';
import { isRows, watchedRows } from './watched-rows.ts';

/**
 * Runs an operation inside a span below `trace`, which ends when it has answered, its last row included: `function.module` and `function.name` are the halves of its name,
 * `function.kwargs_count` says how many fields came (never which, or what they hold), and at the end `function.success`
 * and `function.error`: the code, never the message. OpenTelemetry has no names for these.
 *
 * @example inOperationSpan(tracer, context.trace, login, input, (trace) => run(host, login, input, { ...context, trace }))
 */
export const inOperationSpan = async <T>(
  tracer: Tracer,
  trace: Trace,
  { name }: Operation<any, any>,
  input: unknown,
  work: (trace: Trace) => Promise<T>,
): Promise<T> => {
  const dot = name.indexOf('.');
  const span = tracer.start(name, 'internal', trace, {
    'function.module': name.slice(0, dot),
    'function.name': name.slice(dot + 1),
    'function.kwargs_count': typeof input === 'object' && input !== null ? Object.keys(input).length : 0,
  });
  const succeeded = (): void => {
    span.set({ 'function.success': true });
    span.end();
  };
  const failed = (thrown: unknown): void => {
    const error = thrown instanceof AppError ? thrown.code : thrown instanceof Error ? thrown.name : 'unknown';
    span.set({ 'function.success': false, 'function.error': error });
    endFailed(span, thrown);
  };
  try {
    const result = await work(span.trace);
    // rows are still to come
    if (isRows(result)) return watchedRows(result, (end) => ('thrown' in end ? failed(end.thrown) : succeeded())) as T;
    succeeded();
    return result;
  } catch (thrown) {
    failed(thrown);
    throw thrown;
  }
};
