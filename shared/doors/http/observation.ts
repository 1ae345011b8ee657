/** What a process tells about a request: two metrics, and a line of log where it is worth one. Never a path or a value. */
import type { Ports } from '../../ports/index.ts';

export interface Endpoint {
  service: string;
  method: string;
  /** The route's template. */
  endpoint: string;
}

/** Reports an answer. `traceId` is the trace's, where it is known; `traced`: it is recorded. */
export type Report = (status: number, started: number, requestId: string, traceId?: string, traced?: boolean) => void;

/**
 * Makes the reporter of a route: `perfect21_requests_total`, `perfect21_request_duration_seconds`, and `http.request`
 * in the log, at level warn for our own failures (5xx), info for slow answers, debug for all others.
 *
 * @param slowMs from how many milliseconds on an answer is slow
 */
export const reporter = ({ log, metrics }: Pick<Ports, 'log' | 'metrics'>, slowMs: number) => {
  return (labels: Endpoint): Report => {
    // frozen, and one object for a status instead of one for a request: the metrics find them by identity
    const timed = Object.freeze({ ...labels });
    const counted = new Map<number, Record<string, string>>();
    return (status, started, requestId, traceId, traced) => {
      const ms = performance.now() - started;
      let total = counted.get(status);
      if (!total) {
        total = Object.freeze({ ...labels, status: String(status) });
        counted.set(status, total);
      }
      metrics.count('perfect21_requests_total', total);
      metrics.observe('perfect21_request_duration_seconds', timed, ms / 1_000, traced ? traceId : undefined);
      const level = status >= 500 ? 'warn' : ms >= slowMs ? 'info' : 'debug';
      log[level]('http.request', {
        method: labels.method,
        route: labels.endpoint,
        status,
        ms: Math.round(ms * 100) / 100,
        request_id: requestId,
        trace_id: traceId,
      });
    };
  };
};
