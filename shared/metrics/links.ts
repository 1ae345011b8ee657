/** The links that the platform promises something about, and what tells whether it keeps it. */
import { streams } from '../kit/operation.ts';
import type { Service } from '../kit/service.ts';

/** What selects series: a label, how it is compared (as PromQL says it; patterns match all of it), and with what. */
export type Matcher = readonly [label: string, by: '=' | '!=' | '=~' | '!~', value: string];

export interface Link {
  name: 'rest' | 'grpc' | 'events' | 'realtime' | 'bulk';
  title: string;
  /** The share that succeeds. */
  objective: number;
  /** A counter and what selects its series: all, and those that failed. */
  counter: string;
  all: readonly Matcher[];
  failed: readonly Matcher[];
  /** A histogram in seconds, what selects its series, and the p99 that is promised. */
  latency?: { histogram: string; selector: readonly Matcher[]; seconds: number };
}

/** As it stands between the braces of PromQL. @example promql([['code', '=', '1006']]) // code="1006" */
export const promql = (matchers: readonly Matcher[]): string =>
  matchers.map(([label, by, value]) => `${label}${by}"${value}"`).join(',');

/** The same of labels at hand. @example matching([['status', '=~', '5..']])({ status: '503' }) // true */
export const matching = (matchers: readonly Matcher[]): ((labels: Readonly<Record<string, string>>) => boolean) => {
  const tests = matchers.map(([label, by, value]) => {
    const whole = by.endsWith('~') ? new RegExp(`^(?:${value})$`) : undefined;
    const wanted = !by.startsWith('!');
    return (labels: Readonly<Record<string, string>>): boolean => {
      const own = labels[label] ?? '';
      return (whole ? whole.test(own) : own === value) === wanted;
    };
  });
  return (labels) => tests.every((each) => each(labels));
};

const GRPC = ['method', '=', 'gRPC'] as const;
const HTTP = ['method', '!=', 'gRPC'] as const;
const ERRORS = ['status', '=~', '5..'] as const;

/** The links of a platform: what lasts as long as somebody listens is apart from requests, since its time says nothing. */
export const linksOf = (platform: readonly Service[]): readonly Link[] => {
  const endless = platform
    .flatMap(({ operations }) => operations)
    .filter(streams)
    .flatMap(({ http }) => http.map(({ path }) => path));
  const paths = [...new Set(endless)].sort().join('|');
  const rest = [HTTP, ['endpoint', '!~', paths]] as const;
  const bulk = [HTTP, ['endpoint', '=~', paths]] as const;
  return [
    {
      name: 'rest',
      title: 'Clients over REST',
      objective: 0.999,
      counter: 'perfect21_requests_total',
      all: rest,
      failed: [...rest, ERRORS],
      latency: { histogram: 'perfect21_request_duration_seconds', selector: rest, seconds: 0.1 },
    },
    {
      name: 'grpc',
      title: 'Services over gRPC',
      objective: 0.9999,
      counter: 'perfect21_requests_total',
      all: [GRPC],
      failed: [GRPC, ['status', '=~', 'UNKNOWN|INTERNAL|UNAVAILABLE|DEADLINE_EXCEEDED|DATA_LOSS']],
      latency: { histogram: 'perfect21_request_duration_seconds', selector: [GRPC], seconds: 0.01 },
    },
    {
      name: 'events',
      title: 'Events between services',
      objective: 0.9999,
      counter: 'perfect21_event_handling_seconds_count',
      all: [],
      failed: [['result', '=', 'park']],
      latency: { histogram: 'perfect21_event_age_seconds', selector: [], seconds: 1 },
    },
    {
      name: 'realtime',
      title: 'Open tabs over WebSocket',
      objective: 0.995,
      counter: 'perfect21_websockets_closed_total',
      all: [],
      failed: [['code', '=~', '1006|1011|1013']],
      latency: { histogram: 'perfect21_realtime_delay_seconds', selector: [], seconds: 0.05 },
    },
    {
      name: 'bulk',
      title: 'Streams over HTTP',
      objective: 0.999,
      counter: 'perfect21_requests_total',
      all: bulk,
      failed: [...bulk, ERRORS],
      latency: { histogram: 'perfect21_first_row_seconds', selector: [], seconds: 1 },
    },
  ];
};
