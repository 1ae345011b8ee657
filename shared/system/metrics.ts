/** Metrics of a process in the Prometheus text format, written by prom-client. */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import { adapter } from '../kit/adapter.ts';
import { later, takeBack } from '../kit/late.ts';
import { type Definition, METRICS } from '../metrics/definitions.ts';
import type { Metrics } from '../ports/metrics.ts';
import { type Cell, Cells, type Labels } from './metric-cells.ts';
import { OPEN_METRICS, openMetrics } from './open-metrics.ts';

const registries = new WeakMap<Metrics, Registry>();
/** What begins to measure the process, where that has not begun. */
const beginnings = new WeakMap<Registry, () => void>();
const counted = new WeakMap<Metrics, ReadonlyMap<string, Cells>>();

/** The series of a histogram as Prometheus counts them: each bucket holds all below it too. */
const histogramValues = (name: string, buckets: readonly number[], cells: Cells) =>
  [...cells.all()].flatMap(({ labels, value, counts, exemplars }) => {
    let count = 0;
    const series = counts.map((own, at) => {
      count += own;
      const exemplar = exemplars?.[at];
      const bucket = { metricName: `${name}_bucket`, labels: { le: buckets[at] ?? '+Inf', ...labels }, value: count };
      return exemplar ? { ...bucket, exemplar } : bucket;
    });
    return [
      ...series,
      { metricName: `${name}_sum`, labels, value },
      { metricName: `${name}_count`, labels, value: count },
    ];
  });

/** Registers a metric that hands out its cells at each scrape. */
const register = (registry: Registry, name: string, { type, help, labels, buckets = [] }: Definition): Cells => {
  const cells = new Cells(labels, type === 'histogram' ? buckets : []);
  const values = () =>
    type === 'histogram'
      ? histogramValues(name, buckets, cells)
      : [...cells.all()].map(({ labels, value }) => ({ labels, value }));
  const metric = { name, help, get: async () => ({ name, help, type, aggregator: 'sum', values: values() }) };
  registry.registerMetric(metric as unknown as Metric);
  return cells;
};

/** From a memory look-up to a stuck dependency, for histograms that nobody defined. */
const SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

/**
 * Metrics in a registry of their own. Those of `METRICS` are there from the start; another name becomes a metric at
 * its first use. Labels that a caller uses again and again are best frozen: they are then found by identity.
 *
 * @example createMetrics().count('perfect21_auth_events_total', { event_type: 'login', result: 'success' });
 */
export const createMetrics = (registry: Registry = new Registry()): Metrics => {
  const known = new Map<string, Cells>();
  for (const [name, definition] of Object.entries(METRICS)) known.set(name, register(registry, name, definition));

  const cellsFor = (type: Definition['type'], name: string, labels: Labels): Cells => {
    let cells = known.get(name);
    if (!cells) {
      cells = register(registry, name, { type, help: name, labels: Object.keys(labels), buckets: SECONDS });
      known.set(name, cells);
    }
    return cells;
  };

  const metrics: Metrics = {
    count: (name, labels, by = 1) => {
      cellsFor('counter', name, labels).at(labels).value += by;
    },
    observe: (name, labels, seconds, trace_id) =>
      cellsFor('histogram', name, labels).observe(labels, seconds, trace_id),
    gauge: (name, labels, value) => {
      cellsFor('gauge', name, labels).at(labels).value = value;
    },
  };
  registries.set(metrics, registry);
  counted.set(metrics, known);
  return metrics;
};

/** Upper bounds of the buckets of a histogram that is defined. */
export const boundsOf = (name: string): readonly number[] => METRICS[name]?.buckets ?? [];

/** What was counted under a name so far, for who shows it in the process itself. */
export const cellsOf = (metrics: Metrics, name: string): Iterable<Cell> => counted.get(metrics)?.get(name)?.all() ?? [];

/**
 * What Prometheus reads: with exemplars as OpenMetrics where it asks for that, else its older text.
 *
 * @param accept as the field came
 * @throws Error for metrics that were not made here
 */
export const exposition = async (metrics: Metrics, accept = ''): Promise<{ contentType: string; body: string }> => {
  const registry = registries.get(metrics);
  if (!registry) throw new Error('these metrics have no exposition: open them with promMetrics');
  beginnings.get(registry)?.();
  if (accept.includes('application/openmetrics-text'))
    return { contentType: OPEN_METRICS, body: await openMetrics(registry) };
  return { contentType: registry.contentType, body: await registry.metrics() };
};

/** The metrics of `METRICS` and those of the process (CPU, memory, event loop, garbage collection). */
export const promMetrics = adapter({
  port: 'metrics',
  open: () => {
    const registry = new Registry();
    const measure = later(() => collectDefaultMetrics({ register: registry }));
    beginnings.set(registry, measure);
    const close = async (): Promise<void> => {
      takeBack(measure);
      registry.clear();
    };
    return { port: createMetrics(registry), close };
  },
});
