/** Recording rules and alerts of Prometheus. An alert says what is the matter and what to do. */
import { type Link, promql } from '../../shared/metrics/links.ts';
import { checked } from './expressions.ts';
import { LINKS } from './links.ts';

interface Rule {
  expr: string;
  labels?: Record<string, string>;
}
export interface Recording extends Rule {
  record: string;
}
export interface Alert extends Rule {
  alert: string;
  for?: string;
  annotations: { summary: string; description: string };
}
export interface Group {
  name: string;
  interval?: string;
  rules: (Recording | Alert)[];
}

export const WINDOWS = ['5m', '30m', '1h', '6h'] as const;
type Window = (typeof WINDOWS)[number];

const errors = (window: Window): string => `perfect21:link_errors:ratio_rate${window}`;
const P99 = 'perfect21:link_latency_seconds:p99_5m';

// of nothing that happened nothing is told
const ratioOf = ({ counter, all, failed }: Link, window: Window): string =>
  `(sum(rate(${counter}{${promql(failed)}}[${window}])) or vector(0)) / (sum(rate(${counter}{${promql(all)}}[${window}])) > 0)`;

const recordings = (link: Link): Recording[] => {
  const labels = { link: link.name };
  const ratios = WINDOWS.map((window) => ({ record: errors(window), expr: checked(ratioOf(link, window)), labels }));
  if (!link.latency) return ratios;
  const { histogram, selector } = link.latency;
  const expr = checked(`histogram_quantile(0.99, sum by (le) (rate(${histogram}_bucket{${promql(selector)}}[5m])))`);
  return [...ratios, { record: P99, expr, labels }];
};

/** The share of an error budget of 30 days that is gone after the long window at this pace (SRE Workbook, 5). */
const PACES = [
  { pace: 14.4, long: '1h', short: '5m', for: '2m', severity: 'page', left: '2 % in an hour' },
  { pace: 6, long: '6h', short: '30m', for: '15m', severity: 'ticket', left: '5 % in six hours' },
] as const;

const share = (value: number): string => `${Number((value * 100).toPrecision(6))} %`;

const burning = ({ name, title, objective }: Link): Alert[] =>
  PACES.map(({ pace, long, short, severity, left, for: lasting }) => {
    const most = Number((pace * (1 - objective)).toPrecision(6));
    const above = (window: Window) => `${errors(window)}{link="${name}"} > ${most}`;
    return {
      alert: severity === 'page' ? 'Perfect21ErrorBudgetBurnsFast' : 'Perfect21ErrorBudgetBurns',
      expr: checked(`${above(long)} and ${above(short)}`),
      for: lasting,
      labels: { severity, link: name },
      annotations: {
        summary: `${title}: more fails than the ${share(objective)} promised allow`,
        description: `At this pace ${left} of the month's error budget is gone. Look at the dashboard "perfect21: overview" for the service, then at its log lines operation.failed by code.`,
      },
    };
  });

const slow = (link: Link): Alert[] =>
  link.latency
    ? [
        {
          alert: 'Perfect21LinkSlow',
          expr: checked(`${P99}{link="${link.name}"} > ${link.latency.seconds}`),
          for: '10m',
          labels: { severity: 'ticket', link: link.name },
          annotations: {
            summary: `${link.title}: p99 is above the ${link.latency.seconds * 1_000} ms promised`,
            description:
              'Compare processor time and event loop lag of the instances, then the time of the store (spans named transact). More instances help where the processor is full.',
          },
        },
      ]
    : [];

const alert = (
  name: string,
  expr: string,
  severity: 'page' | 'ticket',
  lasting: string,
  told: Alert['annotations'],
): Alert => ({
  alert: `Perfect21${name}`,
  expr: checked(expr),
  for: lasting,
  labels: { severity },
  annotations: told,
});

const engines: Alert[] = [
  alert('InstanceDown', 'up{job="perfect21"} == 0', 'page', '1m', {
    summary: 'An instance does not answer the scrape',
    description: 'Look at its last log lines; a start that fails says why in one line on standard error.',
  }),
  alert('OutboxWaits', 'perfect21_queue_oldest_age_seconds{queue="outbox"} > 30', 'page', '2m', {
    summary: 'Events are committed and do not leave',
    description:
      'Nothing is lost: they wait in the store. `npx perfect21 outbox status` says for what; usually the broker is away or refuses (bus.away, bus.blocked in the log).',
  }),
  alert('QueueWaits', 'perfect21_queue_oldest_age_seconds{queue!~"outbox|perfect21.dead"} > 60', 'ticket', '5m', {
    summary: 'Messages of queue {{ $labels.queue }} wait for more than a minute',
    description:
      'Its consumers are too few, too slow, or fail and try again: see perfect21_queue_messages_total by result.',
  }),
  alert('DeadLetters', 'perfect21_queue_depth{queue="perfect21.dead"} > 0', 'ticket', '5m', {
    summary: '{{ $value }} messages were given up',
    description: '`npx perfect21 dlq list` says which and why; `dlq replay` brings them back once the cause is mended.',
  }),
  alert('BrokerAway', 'perfect21_bus_connected == 0', 'page', '1m', {
    summary: 'The connection to the broker is down ({{ $labels.link }})',
    description: 'Requests are answered all the same, and events wait in the outbox. Look at the broker.',
  }),
  alert('BrokerBlocked', 'perfect21_bus_blocked == 1', 'page', '1m', {
    summary: 'The broker takes no messages',
    description: 'RabbitMQ does so when its memory or disk is full: free some, and events that wait are sent.',
  }),
  alert('Unroutable', 'increase(perfect21_bus_unroutable_total[10m]) > 0', 'ticket', '0m', {
    summary: 'Events with key {{ $labels.routing_key }} reach no queue',
    description: 'A binding is missing: `npx perfect21 topology diff` says which.',
  }),
  alert('HashingWaits', 'perfect21_hashing_waiting > 128', 'page', '2m', {
    summary: 'Logins wait for the processor',
    description:
      'Past 256 they are refused. Add instances, or find out who tries passwords: see the dashboard "security".',
  }),
  alert('BreakersOpen', 'sum by (service) (perfect21_breakers_open) > 0', 'ticket', '5m', {
    summary: 'Instances of {{ $labels.service }} fail and are passed over',
    description: 'The log line discovery.ejected names them.',
  }),
  alert('DiscoveryEmpty', 'perfect21_discovery_instances == 0', 'page', '1m', {
    summary: 'The registry knows no instance of {{ $labels.service }}',
    description: 'Calls to it fail. Look at its instances and their health checks in the registry.',
  }),
];

const security: Alert[] = [
  alert('RevocationsStale', 'perfect21_revocation_staleness_seconds > 2', 'page', '30s', {
    summary: 'A verifier does not know what was revoked',
    description:
      'It answers unavailable instead of valid. Its feed is cut: look at the origin and the broker between them.',
  }),
  alert(
    'LoginsFail',
    'sum(rate(perfect21_auth_events_total{event_type="login",result="failure"}[10m])) > 1 and sum(rate(perfect21_auth_events_total{event_type="login",result="failure"}[10m])) > 5 * (sum(rate(perfect21_auth_events_total{event_type="login",result="success"}[10m])) or vector(0))',
    'ticket',
    '10m',
    {
      summary: 'Far more logins fail than succeed',
      description:
        'Somebody guesses, or a client of yours has a wrong password. Accounts are throttled by themselves; block the networks that the log lines name.',
    },
  ),
  alert('MessagesRefused', 'sum by (channel) (increase(perfect21_messages_refused_total[1h])) > 20', 'ticket', '0m', {
    summary: 'Providers refuse messages by {{ $labels.channel }}',
    description:
      'Many wrong addresses, or the sender is blocked: see message.refused in the log for what the provider says.',
  }),
];

export const GROUPS: readonly Group[] = [
  { name: 'perfect21-links', interval: '30s', rules: LINKS.flatMap(recordings) },
  { name: 'perfect21-promises', rules: LINKS.flatMap((link) => [...burning(link), ...slow(link)]) },
  { name: 'perfect21-engines', rules: engines },
  { name: 'perfect21-security', rules: security },
];

export const isAlert = (rule: Recording | Alert): rule is Alert => 'alert' in rule;
