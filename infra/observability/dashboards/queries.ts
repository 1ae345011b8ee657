/** The queries that charts are made of. */
import type { Line } from '../panels.ts';

export const rate = (metric: string, by: string, selector = ''): string =>
  `sum by (${by}) (rate(${metric}${selector && `{${selector}}`}[5m]))`;
export const p = (share: number, histogram: string, by = '', selector = ''): string =>
  `histogram_quantile(${share}, sum by (${['le', by].filter(Boolean).join(', ')}) (rate(${histogram}_bucket${selector && `{${selector}}`}[5m])))`;
export const quantiles = (histogram: string, selector = ''): Line[] =>
  [0.5, 0.99].map((share) => ({ expr: p(share, histogram, '', selector), legend: `p${share * 100}` }));
