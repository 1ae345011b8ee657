/** Counters, histograms (seconds) and gauges by the names of the contract, section 6. Label values are few and never raw input. */
export interface Metrics {
  count(name: string, labels: Record<string, string>, by?: number): void;
  /** @param trace_id of a trace that is recorded: where to look when this one is of the slow ones */
  observe(name: string, labels: Record<string, string>, seconds: number, trace_id?: string): void;
  gauge(name: string, labels: Record<string, string>, value: number): void;
}
