/** The metrics of the platform: names and labels are public (dashboards and alerts read them) and never change. */

export interface Definition {
  type: 'counter' | 'histogram' | 'gauge';
  help: string;
  /** Values are few: names, statuses and templates, never ids, addresses or raw paths. */
  labels: readonly string[];
  /** Upper bounds in seconds, for a histogram. */
  buckets?: readonly number[];
}

/** From a memory look-up to a stuck dependency. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export const METRICS: Readonly<Record<string, Definition>> = {
  perfect21_requests_total: {
    type: 'counter',
    help: 'Requests answered; endpoint is the template of the route',
    labels: ['service', 'method', 'endpoint', 'status'],
  },
  perfect21_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from a read request to its answer',
    labels: ['service', 'method', 'endpoint'],
    buckets: SECONDS,
  },
  perfect21_operation_seconds: {
    type: 'histogram',
    help: 'Time of an operation, over whichever door it was asked for; result is ok or the code of the error',
    labels: ['operation', 'result'],
    buckets: SECONDS,
  },
  perfect21_first_row_seconds: {
    type: 'histogram',
    help: 'Time from the call of an operation that streams to its first row, where the caller sends no rows of its own',
    labels: ['operation'],
    buckets: SECONDS,
  },
  perfect21_active_connections: { type: 'gauge', help: 'Connections open now', labels: ['service'] },
  perfect21_auth_events_total: {
    type: 'counter',
    help: 'Logins, registrations, verifications and resets',
    labels: ['event_type', 'result'],
  },
  perfect21_token_operations_total: {
    type: 'counter',
    help: 'Tokens issued, refreshed, validated and revoked',
    labels: ['operation', 'result'],
  },
  perfect21_permission_checks_total: {
    type: 'counter',
    help: 'Permission checks',
    labels: ['resource', 'action', 'result'],
  },
  perfect21_session_operations_total: {
    type: 'counter',
    help: 'Sessions started and ended',
    labels: ['operation', 'result'],
  },
  perfect21_outbox_messages_total: { type: 'counter', help: 'Outbox rows by what became of them', labels: ['result'] },
  perfect21_queue_messages_total: {
    type: 'counter',
    help: 'Deliveries of a queue by what became of them',
    labels: ['queue', 'result'],
  },
  perfect21_queue_depth: { type: 'gauge', help: 'Messages waiting in a queue', labels: ['queue'] },
  perfect21_queue_in_hand: { type: 'gauge', help: 'Messages that this process is handling', labels: ['queue'] },
  perfect21_queue_oldest_age_seconds: {
    type: 'gauge',
    help: 'Age of the oldest message of a queue',
    labels: ['queue'],
  },
  perfect21_messages_refused_total: {
    type: 'counter',
    help: 'Messages that their providers refused for good, e.g. a mail to an address that does not exist',
    labels: ['channel'],
  },
  perfect21_event_publish_seconds: {
    type: 'histogram',
    help: 'Time that the bus took for one batch of outbox rows, confirms included',
    labels: ['bus'],
    buckets: SECONDS,
  },
  perfect21_event_handling_seconds: {
    type: 'histogram',
    help: 'Time that a consumer took for one delivery of an event, by the verdict: done, ignored, unknown, retry or park',
    labels: ['queue', 'result'],
    buckets: SECONDS,
  },
  perfect21_event_age_seconds: {
    type: 'histogram',
    help: 'Age of an event when its consumer first gets it: since its commit, or since the end of the delay asked for',
    labels: ['queue'],
    buckets: [...SECONDS, 30, 60, 300, 3_600],
  },
  perfect21_bus_connected: { type: 'gauge', help: 'Whether a connection to the broker is up', labels: ['link'] },
  perfect21_bus_blocked: { type: 'gauge', help: 'Whether the broker refuses to take messages', labels: [] },
  perfect21_bus_unroutable_total: {
    type: 'counter',
    help: 'Events that no queue of the broker took although the platform has one for them',
    labels: ['routing_key'],
  },
  perfect21_bus_confirm_seconds: {
    type: 'histogram',
    help: 'Time from publishing an event to the confirm of the broker',
    labels: ['bus'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10],
  },
  perfect21_bridge_messages_total: {
    type: 'counter',
    help: 'Events that a side brought to the bridge, by what became of them',
    labels: ['side', 'result'],
  },
  perfect21_realtime_channels: {
    type: 'gauge',
    help: 'Listeners of this process, by WebSocket or Server-Sent Events',
    labels: [],
  },
  perfect21_realtime_frames_total: { type: 'counter', help: 'Frames told to listeners', labels: ['type'] },
  perfect21_realtime_delay_seconds: {
    type: 'histogram',
    help: 'Time from the commit of what a user is told to the telling, where somebody listens',
    labels: [],
    buckets: SECONDS,
  },
  perfect21_websockets_closed_total: {
    type: 'counter',
    help: 'WebSockets that ended, by close code',
    labels: ['code'],
  },
  perfect21_revocation_staleness_seconds: {
    type: 'gauge',
    help: 'Age of what a sidecar knows of revocations; past PERFECT21_MAX_STALENESS it answers unavailable',
    labels: [],
  },
  perfect21_revocations_live: { type: 'gauge', help: 'Revocations that a sidecar holds', labels: [] },
  perfect21_broadcasts_total: {
    type: 'counter',
    help: 'Events that every process hears, by operation and what became of them here: done, refused, failed; and caught_up',
    labels: ['operation', 'result'],
  },
  perfect21_discovery_lookups_total: {
    type: 'counter',
    help: 'Questions to the registry of services by what became of them: ok or failed',
    labels: ['registry', 'service', 'result'],
  },
  perfect21_discovery_ejections_total: {
    type: 'counter',
    help: 'Instances passed over for 30 seconds after three failures in a row',
    labels: ['service'],
  },
  perfect21_breakers_open: {
    type: 'gauge',
    help: 'Instances of a service that are passed over now, because they failed three times in a row',
    labels: ['service'],
  },
  perfect21_hashing_waiting: {
    type: 'gauge',
    help: 'Passwords that wait to be hashed or checked; past 256 they are refused',
    labels: [],
  },
  perfect21_spans_dropped_total: {
    type: 'counter',
    help: 'Spans that no collector has: refused, when it was away or said no, and crowded, when too many waited for it',
    labels: ['reason'],
  },
  perfect21_store_swept_total: {
    type: 'counter',
    help: 'Expired records that this process removed; nobody saw them any more',
    labels: ['collection'],
  },
  perfect21_discovery_instances: {
    type: 'gauge',
    help: 'Instances of a service that pass, as the registry last said',
    labels: ['registry', 'service'],
  },
};
