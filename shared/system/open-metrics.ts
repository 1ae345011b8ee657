/**
 * The registry as OpenMetrics, which has exemplars: traces by which a slow bucket is looked into. prom-client's own writer
 * renames the counters of its registry for good, so that the other format is wrong from then on.
 *
 * Source: https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
import type { Registry } from 'prom-client';

export const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export interface Exemplar {
  trace_id: string;
  value: number;
  /** Unix seconds. */
  at: number;
}

interface Value {
  value: number;
  labels: Record<string, string | number>;
  metricName?: string;
  exemplar?: Exemplar;
}

const escaped = (text: string): string => text.replace(/[\\\n"]/g, (each) => (each === '\n' ? '\\n' : `\\${each}`));
const number = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';

const sample = (name: string, { value, labels, exemplar }: Value): string => {
  const told = Object.entries(labels).map(([label, text]) => `${label}="${escaped(String(text))}"`);
  const braces = told.length > 0 ? `{${told.join(',')}}` : '';
  const trace = exemplar ? ` # {trace_id="${exemplar.trace_id}"} ${number(exemplar.value)} ${exemplar.at}` : '';
  return `${name}${braces} ${number(value)}${trace}`;
};

const TOTAL = /_total$/;

/** All metrics of a registry. */
export const openMetrics = async (registry: Registry): Promise<string> => {
  const lines: string[] = [];
  for (const { name, help, type, values } of (await registry.getMetricsAsJSON()) as unknown as {
    name: string;
    help: string;
    type: string;
    values: Value[];
  }[]) {
    const family = type === 'counter' ? name.replace(TOTAL, '') : name;
    lines.push(`# HELP ${family} ${escaped(help)}`, `# TYPE ${family} ${type}`);
    for (const value of values)
      lines.push(sample(type === 'counter' ? `${family}_total` : (value.metricName ?? name), value));
  }
  return `${lines.join('\n')}\n# EOF\n`;
};
