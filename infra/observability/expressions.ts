/** PromQL of ours: no name and no label in it that the platform does not have. */
import { METRICS } from '../../shared/metrics/definitions.ts';

/** Of Prometheus itself, of Node and of what our recording rules make. */
const FOREIGN = /^(up|process_\w+|nodejs_\w+|perfect21:\w+.*)$/;
const FOREIGN_LABELS: ReadonlySet<string> = new Set(['job', 'instance', 'le', 'link']);
const SUFFIX = /_(bucket|sum|count)$/;

const definitionOf = (name: string) =>
  METRICS[name] ??
  (METRICS[name.replace(SUFFIX, '')]?.type === 'histogram' ? METRICS[name.replace(SUFFIX, '')] : undefined);

/** The metrics that an expression names. */
export const metricsIn = (expression: string): string[] => [
  ...new Set(expression.replace(/"[^"]*"/g, '""').match(/\b(perfect21[\w:]*|up|process_\w+|nodejs_\w+)\b/g) ?? []),
];

/** What is wrong with an expression, if anything. */
export const faultOf = (expression: string): string | undefined => {
  const names = metricsIn(expression);
  const unknown = names.find((name) => !FOREIGN.test(name) && !definitionOf(name));
  if (unknown) return `no metric is called ${unknown}`;
  for (const [, name = '', selectors = ''] of expression.matchAll(/\b(perfect21_\w+)\{([^}]*)\}/g)) {
    const labels = definitionOf(name)?.labels ?? [];
    const used = [...selectors.matchAll(/(\w+)\s*[=!]~?/g)].map(([, label]) => label!);
    const stray = used.find((label) => !labels.includes(label) && !FOREIGN_LABELS.has(label));
    if (stray) return `${name} has no label ${stray}`;
  }
  const known = new Set(names.flatMap((name) => definitionOf(name)?.labels ?? []));
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/));
  const stray = grouped.find((label) => label && !known.has(label) && !FOREIGN_LABELS.has(label));
  return stray && `none of its metrics has the label ${stray}`;
};

/** The expression itself. @throws Error for one that names what is not there */
export const checked = (expression: string): string => {
  const fault = faultOf(expression);
  if (fault) throw new Error(`${fault}: ${expression}`);
  return expression;
};
