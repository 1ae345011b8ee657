/** What a process tells about a call: the same two metrics as for a request over HTTP. Never a value of the message. */
import { status } from '@grpc/grpc-js';
import type { Ports } from '../../ports/index.ts';
import type { Span, Trace } from '../../ports/tracer.ts';

/** Statuses by which a server says that it failed, and not its caller (https://opentelemetry.io/docs/specs/semconv/rpc/grpc/). */
const OUR_FAULT: ReadonlySet<status> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** Ends the span of a call that was answered. */
export const endCall = (span: Span, code: status): void => {
  span.set({ 'rpc.response.status_code': status[code], 'rpc.status': code === status.OK ? 'ok' : 'error' });
  span.end(code === status.OK ? undefined : status[code], OUR_FAULT.has(code));
};

/** Reports an answer; `trace` where it is recorded. */
export type Report = (code: status, started: number, trace?: Trace) => void;

/**
 * Makes the reporter of a method: `perfect21_requests_total`, with the name of the gRPC status, and
 * `perfect21_request_duration_seconds`.
 *
 * @param path e.g. `/perfect21.auth.AuthService/ValidateToken`
 */
export const reporter = ({ metrics }: Pick<Ports, 'metrics'>, service: string, path: string): Report => {
  // one object of labels for a status, not one for a call; frozen, it is found by identity
  const timed = Object.freeze({ service, method: 'gRPC', endpoint: path });
  const counted = new Map<status, Record<string, string>>();
  return (code, started, trace) => {
    let labels = counted.get(code);
    if (!labels) {
      labels = Object.freeze({ ...timed, status: status[code] });
      counted.set(code, labels);
    }
    metrics.count('perfect21_requests_total', labels);
    metrics.observe(
      'perfect21_request_duration_seconds',
      timed,
      (performance.now() - started) / 1_000,
      trace?.tracer && trace.trace_id,
    );
  };
};
