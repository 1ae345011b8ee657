/** The links and what is promised of them. */
import { type Link, promql } from '../../../shared/metrics/links.ts';
import { LINKS } from '../links.ts';
import { dashboard, type Row } from '../panels.ts';
import { CONNECTIONS, PROCESS } from './processes.ts';
import { quantiles } from './queries.ts';

const promises = ({ name, title, objective, counter, all, latency }: Link): Row => ({
  title,
  charts: [
    {
      title: 'Failing',
      description: `At most ${Number(((1 - objective) * 100).toPrecision(3))} % may.`,
      unit: 'percentunit',
      bound: Number((1 - objective).toPrecision(3)),
      lines: ['5m', '1h'].map((window) => ({
        expr: `perfect21:link_errors:ratio_rate${window}{link="${name}"}`,
        legend: `of the last ${window}`,
      })),
    },
    {
      title: 'Rate',
      description: 'What comes in.',
      unit: 'reqps',
      lines: [{ expr: `sum(rate(${counter}{${promql(all)}}[5m]))`, legend: 'a second' }],
    },
    ...(latency
      ? [
          {
            title: 'Time',
            description: `p99 below ${latency.seconds * 1_000} ms is promised.`,
            unit: 's' as const,
            bound: latency.seconds,
            lines: quantiles(latency.histogram, promql(latency.selector)),
          },
        ]
      : []),
  ],
});

export const overview = dashboard('overview', 'overview', 'The links and what is promised of them.', [
  ...LINKS.map(promises),
  { ...PROCESS, charts: [...PROCESS.charts, CONNECTIONS] },
]);
