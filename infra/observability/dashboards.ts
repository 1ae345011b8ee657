/** What Grafana shows: the links against their promises, each service, events, security, the sidecar. */
import type { Dashboard } from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';
import { platform } from '../../functions/index.ts';
import { serviceName } from '../../shared/kit/service-name.ts';
import { LINKS, type Link } from './links.ts';
import { type Chart, dashboard, type Line, type Row } from './panels.ts';

const rate = (metric: string, by: string, selector = ''): string =>
  `sum by (${by}) (rate(${metric}${selector && `{${selector}}`}[5m]))`;
const p = (share: number, histogram: string, by = '', selector = ''): string =>
  `histogram_quantile(${share}, sum by (${['le', by].filter(Boolean).join(', ')}) (rate(${histogram}_bucket${selector && `{${selector}}`}[5m])))`;
const quantiles = (histogram: string, selector = ''): Line[] =>
  [0.5, 0.99].map((share) => ({ expr: p(share, histogram, '', selector), legend: `p${share * 100}` }));

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
      lines: [{ expr: `sum(rate(${counter}{${all}}[5m]))`, legend: 'a second' }],
    },
    ...(latency
      ? [
          {
            title: 'Time',
            description: `p99 below ${latency.seconds * 1_000} ms is promised.`,
            unit: 's' as const,
            bound: latency.seconds,
            lines: quantiles(latency.histogram, latency.selector),
          },
        ]
      : []),
  ],
});

const PROCESS: Row = {
  title: 'Processes',
  charts: [
    {
      title: 'Processor',
      description: 'Cores in use.',
      unit: 'short',
      lines: [{ expr: 'rate(process_cpu_seconds_total[5m])', legend: '{{instance}}' }],
    },
    {
      title: 'Memory',
      description: 'Resident.',
      unit: 'bytes',
      lines: [{ expr: 'process_resident_memory_bytes', legend: '{{instance}}' }],
    },
    {
      title: 'Event loop',
      description: 'p99 of how late it is.',
      unit: 's',
      bound: 0.1,
      lines: [{ expr: 'nodejs_eventloop_lag_p99_seconds', legend: '{{instance}}' }],
    },
  ],
};

const CONNECTIONS: Chart = {
  title: 'Connections',
  description: 'Open now, by the service that each asked last.',
  unit: 'short',
  lines: [{ expr: 'sum by (service) (perfect21_active_connections)', legend: '{{service}}' }],
};

const overview = dashboard('overview', 'overview', 'The links and what is promised of them.', [
  ...LINKS.map(promises),
  { ...PROCESS, charts: [...PROCESS.charts, CONNECTIONS] },
]);

const ofService = (folder: string): Dashboard => {
  const service = serviceName(folder);
  const own = `service="${service}"`;
  return dashboard(folder, service, `What ${service} answers.`, [
    {
      title: 'Requests',
      charts: [
        {
          title: 'Rate',
          description: 'By route or method.',
          unit: 'reqps',
          lines: [{ expr: rate('perfect21_requests_total', 'endpoint', own), legend: '{{endpoint}}' }],
        },
        {
          title: 'By status',
          description: 'HTTP or gRPC.',
          unit: 'reqps',
          lines: [{ expr: rate('perfect21_requests_total', 'status', own), legend: '{{status}}' }],
        },
        {
          title: 'p99',
          description: 'By route or method; streams last as long as they are read.',
          unit: 's',
          lines: [{ expr: p(0.99, 'perfect21_request_duration_seconds', 'endpoint', own), legend: '{{endpoint}}' }],
        },
        {
          ...CONNECTIONS,
          lines: [{ expr: `sum by (service) (perfect21_active_connections{${own}})`, legend: '{{service}}' }],
        },
      ],
    },
  ]);
};

const QUEUES: Row = {
  title: 'Queues',
  charts: [
    {
      title: 'Waiting',
      description: 'Messages by queue; the outbox holds what is not published yet.',
      unit: 'short',
      lines: [{ expr: 'max by (queue) (perfect21_queue_depth)', legend: '{{queue}}' }],
    },
    {
      title: 'Oldest',
      description: 'Age of the oldest message.',
      unit: 's',
      bound: 60,
      lines: [{ expr: 'max by (queue) (perfect21_queue_oldest_age_seconds)', legend: '{{queue}}' }],
    },
    {
      title: 'Handled',
      description: 'By what became of it.',
      unit: 'reqps',
      lines: [{ expr: rate('perfect21_queue_messages_total', 'queue, result'), legend: '{{queue}} {{result}}' }],
    },
  ],
};

const events = dashboard('events', 'events and dead letters', 'From the commit to the consumer.', [
  QUEUES,
  {
    title: 'Times',
    charts: [
      {
        title: 'Age when handled',
        description: 'Since the commit; p99 below 1 s is promised.',
        unit: 's',
        bound: 1,
        lines: quantiles('perfect21_event_age_seconds'),
      },
      {
        title: 'Handling',
        description: 'Of a consumer, by queue.',
        unit: 's',
        lines: [{ expr: p(0.99, 'perfect21_event_handling_seconds', 'queue'), legend: '{{queue}}' }],
      },
      {
        title: 'Publishing',
        description: 'Of a batch of outbox rows, confirms included.',
        unit: 's',
        lines: quantiles('perfect21_event_publish_seconds'),
      },
    ],
  },
  {
    title: 'Bus',
    charts: [
      {
        title: 'Connected',
        description: '1: the link is up. Nothing where the bus is embedded.',
        unit: 'short',
        lines: [{ expr: 'min by (link) (perfect21_bus_connected)', legend: '{{link}}' }],
      },
      {
        title: 'Outbox',
        description: 'Rows by what became of them.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_outbox_messages_total', 'result'), legend: '{{result}}' }],
      },
      {
        title: 'Broadcasts',
        description: 'Events that every process hears.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_broadcasts_total', 'operation, result'), legend: '{{operation}} {{result}}' }],
      },
      {
        title: 'Listeners',
        description: 'Open tabs of the instances together, and frames told to them.',
        unit: 'short',
        lines: [
          { expr: 'sum(perfect21_realtime_channels)', legend: 'open' },
          { expr: 'sum(rate(perfect21_realtime_frames_total[5m]))', legend: 'frames a second' },
        ],
      },
    ],
  },
]);

const security = dashboard('security', 'security', 'Who tries what, and what is refused.', [
  {
    title: 'Accounts',
    charts: [
      {
        title: 'Logins',
        description: 'By result.',
        unit: 'reqps',
        lines: [
          { expr: rate('perfect21_auth_events_total', 'event_type, result'), legend: '{{event_type}} {{result}}' },
        ],
      },
      {
        title: 'Tokens',
        description: 'Validated, by result.',
        unit: 'reqps',
        lines: [
          { expr: rate('perfect21_token_operations_total', 'operation, result'), legend: '{{operation}} {{result}}' },
        ],
      },
      {
        title: 'Sessions',
        description: 'Begun and ended.',
        unit: 'reqps',
        lines: [
          { expr: rate('perfect21_session_operations_total', 'operation, result'), legend: '{{operation}} {{result}}' },
        ],
      },
    ],
  },
  {
    title: 'Refusals',
    charts: [
      {
        title: 'Permissions',
        description: 'Checks by result.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_permission_checks_total', 'result'), legend: '{{result}}' }],
      },
      {
        title: 'Refused requests',
        description: '401, 403 and 429.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_requests_total', 'status', 'status=~"401|403|429"'), legend: '{{status}}' }],
      },
      {
        title: 'Refused messages',
        description: 'By providers, for good.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_messages_refused_total', 'channel'), legend: '{{channel}}' }],
      },
      {
        title: 'Closed WebSockets',
        description: '4401 ended with the session, 4403 ticket refused, 4429 flood, 1013 too slow or too many.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_websockets_closed_total', 'code'), legend: '{{code}}' }],
      },
    ],
  },
]);

const SIDECAR = 'endpoint=~"/envoy.*|/verify|.*ValidateToken|.*CheckPermission"';
const sidecar = dashboard('sidecar', 'sidecar', 'Verdicts beside the services.', [
  {
    title: 'Verdicts',
    charts: [
      {
        title: 'Rate',
        description: 'By door.',
        unit: 'reqps',
        lines: [{ expr: rate('perfect21_requests_total', 'endpoint', SIDECAR), legend: '{{endpoint}}' }],
      },
      {
        title: 'Time',
        description: 'p99 by door.',
        unit: 's',
        bound: 0.01,
        lines: [{ expr: p(0.99, 'perfect21_request_duration_seconds', 'endpoint', SIDECAR), legend: '{{endpoint}}' }],
      },
      {
        title: 'Staleness',
        description: 'Age of what is known of revocations; past 2 s nothing is called valid.',
        unit: 's',
        bound: 2,
        lines: [{ expr: 'max by (instance) (perfect21_revocation_staleness_seconds)', legend: '{{instance}}' }],
      },
      {
        title: 'Revocations',
        description: 'Live ones that are held.',
        unit: 'short',
        lines: [{ expr: 'max by (instance) (perfect21_revocations_live)', legend: '{{instance}}' }],
      },
    ],
  },
  PROCESS,
]);

/** By the name of their files. */
export const DASHBOARDS: Readonly<Record<string, Dashboard>> = {
  overview,
  ...Object.fromEntries(platform.map(({ name }) => [name, ofService(name)])),
  events,
  security,
  sidecar,
};
