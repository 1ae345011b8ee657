/** What an operation did, as one measure: its rate, its failures by code, and its time. */
import type { Metrics } from '../ports/metrics.ts';
import type { Trace } from '../ports/tracer.ts';
import type { Operation } from './operation.ts';
import { isStream } from './stream.ts';

type Labels = Readonly<Record<string, string>>;

// one frozen object for an operation and a result: metrics find it by identity
const known = new WeakMap<Operation<any, any>, Map<string, Labels>>();

const labelsOf = (op: Operation<any, any>, result: string): Labels => {
  const byResult = known.get(op) ?? new Map<string, Labels>();
  known.set(op, byResult);
  const labels = byResult.get(result) ?? Object.freeze({ operation: op.name, result });
  byResult.set(result, labels);
  return labels;
};

/** Observes `perfect21_operation_seconds`. @param result `ok` or the code of the error @param started of `performance.now()` */
export const observeOperation = (
  metrics: Metrics | undefined,
  op: Operation<any, any>,
  result: string,
  started: number,
  { tracer, trace_id }: Trace,
): void => {
  const seconds = (performance.now() - started) / 1_000;
  metrics?.observe('perfect21_operation_seconds', labelsOf(op, result), seconds, tracer && trace_id);
};

/** Observes `perfect21_first_row_seconds`. Of rows that answer a caller's own nobody knows who was slow. */
export const observeFirstRow = (
  metrics: Metrics | undefined,
  { name, input }: Operation<any, any>,
  started: number,
) => {
  if (isStream(input)) return;
  metrics?.observe('perfect21_first_row_seconds', { operation: name }, (performance.now() - started) / 1_000);
};
