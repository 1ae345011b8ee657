/** Counters, histograms (seconds) and gauges by the names of the contract, section 6. Label values are few and never raw input. */
export interface Metrics {
  count(name: string, labels: Record<string, string>, by?: number): void;
  observe(name: string, labels: Record<string, string>, seconds: number): void;
  gauge(name: string, labels: Record<string, string>, value: number): void;
}
