/** Operations and their helpers as spans: what ran and whether it worked, by the names that dashboards of functions look for. */
import type { SpanAttributes, Trace, Tracer } from '../ports/tracer.ts';
import { AppError } from './errors.ts';
import type { Operation } from './operation.ts';
import { endFailed } from './span.ts';
import { isRows } from './told-rows.ts';
import { watchedRows } from './watched-rows.ts';

const SUCCEEDED: SpanAttributes = { 'function.success': true };
/** More are counted anew each time: who asks chooses how many fields he sends. */
const FEW = 32;
const starts = new Map<string, SpanAttributes[]>();
/** What the span of a function says from its start: mostly the same object, which tracers need not write again. */
const startOf = (name: string, counted: `function.${string}_count`, count: number): SpanAttributes => {
  let known = starts.get(name);
  if (!known) {
    known = [];
    starts.set(name, known);
  }
  const found = known[count];
  // a helper may be called as an operation is
  if (found && counted in found) return found;
  const dot = name.indexOf('.');
  const halves = { 'function.module': name.slice(0, dot), 'function.name': name.slice(dot + 1) };
  const told = Object.freeze({ ...halves, [counted]: count });
  if (count < FEW) known[count] = told;
  return told;
};

/**
 * Runs a function inside a span below `trace`, which ends when it has answered, its last row included: `function.module` and
 * `function.name` are the halves of its name, and at the end come `function.success` and `function.error`: the code, never the
 * message. OpenTelemetry has no names for these.
 */
const inFunctionSpan = async <T>(
  tracer: Tracer,
  trace: Trace,
  name: string,
  start: SpanAttributes,
  work: (trace: Trace) => Promise<T>,
): Promise<T> => {
  const span = tracer.start(name, 'internal', trace, start);
  const succeeded = (): void => {
    span.set(SUCCEEDED);
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

/**
 * Runs an operation inside a span below `trace`; `function.kwargs_count` says how many fields came, never which, or what they
 * hold.
 *
 * @example inOperationSpan(tracer, context.trace, login, input, (trace) => run(host, login, input, { ...context, trace }))
 */
export const inOperationSpan = <T>(
  tracer: Tracer,
  trace: Trace,
  { name }: Operation<any, any>,
  input: unknown,
  work: (trace: Trace) => Promise<T>,
): Promise<T> => {
  const fields = typeof input === 'object' && input !== null ? Object.keys(input).length : 0;
  return inFunctionSpan(tracer, trace, name, startOf(name, 'function.kwargs_count', fields), work);
};

/**
 * Makes of a helper one that is a span of the trace that it is called in; `function.args_count` says how many arguments came
 * beside the context. Where nothing is traced it is the helper and nothing else.
 *
 * @param name `<service>.<what>`, as operations are named
 * @param helper takes the context of its caller first, and gets it with its own span
 * @example const render = traced('notifications.render-mail', async (context, name: string) => …); await render(context, 'notice');
 */
export const traced =
  <C extends { readonly trace: Trace }, A extends readonly unknown[], T>(
    name: `${string}.${string}`,
    helper: (context: C, ...rest: A) => Promise<T>,
  ) =>
  (context: C, ...rest: A): Promise<T> => {
    const { tracer } = context.trace;
    if (!tracer) return helper(context, ...rest);
    return inFunctionSpan(tracer, context.trace, name, startOf(name, 'function.args_count', rest.length), (trace) =>
      helper({ ...context, trace }, ...rest),
    );
  };
