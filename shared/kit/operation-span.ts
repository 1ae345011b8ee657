/** Operations and their helpers as spans: what ran and whether it worked, by the names that dashboards of functions look for. */
import type { Span, SpanAttributes, Trace, Tracer } from '../ports/tracer.ts';
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
 * Begins the span of an operation below `trace`: `function.module` and `function.name` are the halves of its name, and
 * `function.kwargs_count` says how many fields came, never which, or what they hold. OpenTelemetry has no names for these.
 */
export const startOperationSpan = (
  tracer: Tracer,
  trace: Trace,
  { name }: Operation<any, any>,
  input: unknown,
): Span => {
  const fields = typeof input === 'object' && input !== null ? Object.keys(input).length : 0;
  return tracer.start(name, 'internal', trace, startOf(name, 'function.kwargs_count', fields));
};

const succeeded = (span: Span): void => {
  span.set(SUCCEEDED);
  span.end();
};

/** Ends the span of a function that failed: `function.error` is the code, never the message. */
export const endThrown = (span: Span, thrown: unknown): void => {
  const error = thrown instanceof AppError ? thrown.code : thrown instanceof Error ? thrown.name : 'unknown';
  span.set({ 'function.success': false, 'function.error': error });
  endFailed(span, thrown);
};

/** Ends the span of a function with what it answered; that of rows with the last of them. Gives what is to be answered. */
export const endAnswered = <T>(span: Span, result: T): T => {
  if (isRows(result))
    return watchedRows(result, (end) => ('thrown' in end ? endThrown(span, end.thrown) : succeeded(span))) as T;
  succeeded(span);
  return result;
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
    const span = tracer.start(name, 'internal', context.trace, startOf(name, 'function.args_count', rest.length));
    const run = async (): Promise<T> => {
      try {
        return endAnswered(span, await helper({ ...context, trace: span.trace }, ...rest));
      } catch (thrown) {
        endThrown(span, thrown);
        throw thrown;
      }
    };
    return run();
  };
