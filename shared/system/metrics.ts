/** Metrics of a process in the Prometheus text format, kept by prom-client. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { adapter } from '../adapter.ts';
import { type Definition, METRICS } from '../metrics/definitions.ts';
import type { Metrics } from '../ports/metrics.ts';

type Labels = Record<string, string>;
type Instruments = { counter: Counter; histogram: Histogram; gauge: Gauge };

const registries = new WeakMap<Metrics, Registry>();

const create = (registry: Registry, name: string, definition: Definition): Counter | Histogram | Gauge => {
  const base = { name, help: definition.help, labelNames: [...definition.labels], registers: [registry] };
  if (definition.type === 'counter') return new Counter(base);
  if (definition.type === 'gauge') return new Gauge(base);
  return new Histogram({ ...base, ...(definition.buckets && { buckets: [...definition.buckets] }) });
};

/** Past this many combinations labels stop telling anything and fill the memory: the rest is counted as `other`. */
const MAX_SERIES = 1_000;

/**
 * Metrics in a registry of their own. Those of `METRICS` are there from the start; another name becomes a metric with
 * the labels of its first use.
 */
export const createMetrics = (registry: Registry = new Registry()): Metrics => {
  const known = new Map<string, { instrument: Counter | Histogram | Gauge; series: Set<string> }>();
  const add = (name: string, definition: Definition) => {
    const added = { instrument: create(registry, name, definition), series: new Set<string>() };
    known.set(name, added);
    return added;
  };
  for (const [name, definition] of Object.entries(METRICS)) add(name, definition);

  const at = <T extends Definition['type']>(type: T, name: string, labels: Labels): [Instruments[T], Labels] => {
    const { instrument, series } = known.get(name) ?? add(name, { type, help: name, labels: Object.keys(labels) });
    const key = Object.values(labels).join('\0');
    if (series.size < MAX_SERIES) series.add(key);
    const told = series.has(key) ? labels : Object.fromEntries(Object.keys(labels).map((label) => [label, 'other']));
    return [instrument as Instruments[T], told];
  };

  const metrics: Metrics = {
    count: (name, labels, by = 1) => {
      const [counter, told] = at('counter', name, labels);
      counter.inc(told, by);
    },
    observe: (name, labels, seconds) => {
      const [histogram, told] = at('histogram', name, labels);
      histogram.observe(told, seconds);
    },
    gauge: (name, labels, value) => {
      const [gauge, told] = at('gauge', name, labels);
      gauge.set(told, value);
    },
  };
  registries.set(metrics, registry);
  return metrics;
};

/** What Prometheus reads. @throws Error for metrics that were not made here */
export const exposition = async (metrics: Metrics): Promise<{ contentType: string; body: string }> => {
  const registry = registries.get(metrics);
  if (!registry) throw new Error('these metrics have no exposition: open them with promMetrics');
  return { contentType: registry.contentType, body: await registry.metrics() };
};

/** The metrics of `METRICS` and those of the process (CPU, memory, event loop, garbage collection). */
export const promMetrics = adapter({
  port: 'metrics',
  open: () => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const close = async (): Promise<void> => registry.clear();
    return { port: createMetrics(registry), close };
  },
});
