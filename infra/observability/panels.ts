/** Panels of Grafana in few words, laid out in rows of three. */
import type { Dashboard, Panel, RowPanel } from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';
import { checked } from './expressions.ts';

/** Grafana's names of units. */
export type Unit = 's' | 'reqps' | 'percentunit' | 'short' | 'bytes';

export interface Line {
  expr: string;
  /** `{{label}}` is replaced. */
  legend: string;
}
export interface Chart {
  title: string;
  description: string;
  unit: Unit;
  lines: readonly Line[];
  /** Drawn as a red line: what is promised, or the bound. */
  bound?: number;
}
export interface Row {
  title: string;
  charts: readonly Chart[];
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in
const SOURCE = { type: 'prometheus', uid: '${source}' };
const [WIDTH, HEIGHT, PER_ROW] = [8, 8, 3];

const thresholds = (bound: number | undefined) => ({
  mode: 'absolute' as const,
  steps: [{ color: 'green', value: null }, ...(bound === undefined ? [] : [{ color: 'red', value: bound }])],
});

const panel = ({ title, description, unit, lines, bound }: Chart, id: number, x: number, y: number): Panel =>
  ({
    id,
    type: 'timeseries',
    title,
    description,
    datasource: SOURCE,
    gridPos: { x, y, w: WIDTH, h: HEIGHT },
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        thresholds: thresholds(bound),
        custom: { lineWidth: 1, fillOpacity: 8, thresholdsStyle: { mode: bound === undefined ? 'off' : 'line' } },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    targets: lines.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode(65 + at),
      datasource: SOURCE,
      expr: checked(expr),
      legendFormat: legend,
    })),
  }) as Panel;

/** A dashboard whose source is chosen where it is shown. */
export const dashboard = (name: string, title: string, description: string, rows: readonly Row[]): Dashboard => {
  const panels: (Panel | RowPanel)[] = [];
  let [id, y] = [0, 0];
  for (const row of rows) {
    panels.push({
      id: ++id,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    });
    y += 1;
    row.charts.forEach((chart, at) => {
      panels.push(panel(chart, ++id, (at % PER_ROW) * WIDTH, y + Math.floor(at / PER_ROW) * HEIGHT));
    });
    y += Math.ceil(row.charts.length / PER_ROW) * HEIGHT;
  }
  return {
    uid: `perfect21-${name}`,
    title: `perfect21: ${title}`,
    description,
    tags: ['perfect21'],
    schemaVersion: 41,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [{ name: 'source', label: 'Source', type: 'datasource', query: 'prometheus', hide: 0 }],
    } as Dashboard['templating'],
    panels,
  } as Dashboard;
};
