/** The five links that the platform promises something about, and what tells whether it keeps it. */
import { platform } from '../../functions/index.ts';
import { streams } from '../../shared/kit/operation.ts';

export interface Link {
  name: 'rest' | 'grpc' | 'events' | 'realtime' | 'bulk';
  title: string;
  /** The share that succeeds. */
  objective: number;
  /** A counter and what selects its series: all, and those that failed. */
  counter: string;
  all: string;
  failed: string;
  /** A histogram in seconds, what selects its series, and the p99 that is promised. */
  latency?: { histogram: string; selector: string; seconds: number };
}

// a stream lasts as long as somebody listens: its time says nothing
const endless = platform
  .flatMap(({ operations }) => operations)
  .filter(streams)
  .flatMap(({ http }) => http.map(({ path }) => path));
const STREAMS = [...new Set(endless)].sort().join('|');

const REST = `method!="gRPC",endpoint!~"${STREAMS}"`;
const BULK = `method!="gRPC",endpoint=~"${STREAMS}"`;

export const LINKS: readonly Link[] = [
  {
    name: 'rest',
    title: 'Clients over REST',
    objective: 0.999,
    counter: 'perfect21_requests_total',
    all: REST,
    failed: `${REST},status=~"5.."`,
    latency: { histogram: 'perfect21_request_duration_seconds', selector: REST, seconds: 0.1 },
  },
  {
    name: 'grpc',
    title: 'Services over gRPC',
    objective: 0.9999,
    counter: 'perfect21_requests_total',
    all: 'method="gRPC"',
    failed: 'method="gRPC",status=~"UNKNOWN|INTERNAL|UNAVAILABLE|DEADLINE_EXCEEDED|DATA_LOSS"',
    latency: { histogram: 'perfect21_request_duration_seconds', selector: 'method="gRPC"', seconds: 0.01 },
  },
  {
    name: 'events',
    title: 'Events between services',
    objective: 0.9999,
    counter: 'perfect21_event_handling_seconds_count',
    all: '',
    failed: 'result="park"',
    latency: { histogram: 'perfect21_event_age_seconds', selector: '', seconds: 1 },
  },
  {
    name: 'realtime',
    title: 'Open tabs over WebSocket',
    objective: 0.995,
    counter: 'perfect21_websockets_closed_total',
    all: '',
    failed: 'code=~"1006|1011|1013"',
  },
  {
    name: 'bulk',
    title: 'Streams over HTTP',
    objective: 0.999,
    counter: 'perfect21_requests_total',
    all: BULK,
    failed: `${BULK},status=~"5.."`,
  },
];
