/** From what was counted to dollars: one pass of a flow, an idle month, a month of a size. */
import type { Counted, Counts, Flow, FlowName } from './counts.ts';
import { usd } from './prices.ts';
import {
  KEPT_MONTHS,
  MINUTES,
  PING_MINUTES,
  POLLS,
  PROCESSOR_MB,
  PROFILE,
  type Size,
  TRACED,
  WAIT_MS,
} from './profile.ts';

/** USD by service of AWS. */
export type Bill = Readonly<Record<string, number>>;

const GB = 1e9;

export const total = (bill: Bill): number => Object.values(bill).reduce((sum, each) => sum + each, 0);
export const times = (bill: Bill, n: number): Bill =>
  Object.fromEntries(Object.entries(bill).map(([service, each]) => [service, each * n]));
export const plus = (...bills: readonly Bill[]): Bill => {
  const sum: Record<string, number> = {};
  for (const bill of bills)
    for (const [service, each] of Object.entries(bill)) sum[service] = (sum[service] ?? 0) + each;
  return sum;
};

/** The parts of calls that start a container, and that X-Ray records. */
export interface Shares {
  cold: number;
  traced: number;
}

/** What a function's work costs. @param access_log_bytes of a request's line */
export const billOf = (work: Counted, { cold, traced }: Shares, access_log_bytes: number): Bill => {
  const { start, memory_mb, invocations } = work;
  const starts = cold * invocations;
  const warm_ms = work.cpu_ms * Math.max(1, PROCESSOR_MB / memory_mb) + work.calls * WAIT_MS;
  const start_ms = start.cpu_ms + start.calls * WAIT_MS;
  const gb_s = (memory_mb / 1024) * ((warm_ms + starts * start_ms) / 1000);
  const with_start = (name: 'reads' | 'writes' | 'kms' | 'secrets'): number => work[name] + starts * start[name];
  return {
    'API Gateway': usd('api_request', work.requests),
    Lambda: usd('lambda_gb_s', gb_s) + usd('lambda_request', invocations),
    DynamoDB: usd('dynamodb_read', with_start('reads')) + usd('dynamodb_write', with_start('writes')),
    KMS: usd('kms_request', with_start('kms')),
    'Secrets Manager': usd('secret_request', with_start('secrets')),
    SQS: usd('sqs_request', work.sqs),
    EventBridge: usd('event', work.events) + usd('schedule', work.schedules),
    SES: usd('mail', work.mails),
    'CloudWatch Logs':
      ((work.log_bytes + work.requests * access_log_bytes) / GB) * (usd('log_gb', 1) + usd('log_stored', 1)),
    'X-Ray': usd('trace', invocations * traced),
  };
};

const flowBill = (counts: Counts, flow: Flow, shares: Shares): Bill =>
  plus(...Object.values(flow).map((work) => billOf(work, shares, counts.template.access_log_bytes)));

/** Calls of functions in a month. */
const invocationsOf = ({ flows }: Counts, users: number): number =>
  Object.entries(PROFILE).reduce(
    (sum, [name, n]) =>
      sum + users * n * Object.values(flows[name as FlowName]).reduce((all, { invocations }) => all + invocations, 0),
    MINUTES,
  );

/** Seconds that have a first call, at most, and a part of the rest. */
export const tracedShare = (calls: number): number => {
  const first = Math.min(calls, 30 * 86_400);
  return (first + TRACED * (calls - first)) / calls;
};

const sharesOf = (counts: Counts, { users, cold }: Size): Shares => ({
  cold,
  traced: tracedShare(invocationsOf(counts, users)),
});

/** One pass of a flow. */
export const passBill = (counts: Counts, name: FlowName, size: Size): Bill =>
  flowBill(counts, counts.flows[name], sharesOf(counts, size));

/** An event of a login on its way: relay, bus, queues and those that handle it. What a handler sends by mail is not in it. */
export const eventBill = (counts: Counts, size: Size): Bill => {
  const handled = Object.entries(counts.flows.login).filter(([, work]) => work.invocations > 0 && !work.requests);
  const events = handled.reduce((sum, [, work]) => sum + work.events, 0);
  return times(flowBill(counts, Object.fromEntries(handled), sharesOf(counts, size)), 1 / events);
};

/** An hour of a WebSocket, as API Gateway bills it: its minutes, and a ping with its answer now and then. */
export const socketBill = (): Bill => ({
  'API Gateway': usd('socket_minute', 60) + usd('socket_message', (2 * 60) / PING_MINUTES),
});

const leftBytes = ({ stored }: Counts): number =>
  Object.entries(PROFILE).reduce((sum, [name, n]) => sum + n * stored[name as FlowName], 0);

/** A month in which nobody calls, with what a year of that size has left in the tables. */
export const idleBill = (counts: Counts, size: Size): Bill => {
  const { template, metrics } = counts;
  const stored = (size.users * leftBytes(counts) * KEPT_MONTHS) / GB;
  const looks = times(flowBill(counts, counts.flows.minute, { cold: 0, traced: 1 }), MINUTES * template.minutely);
  return plus(looks, {
    SQS: usd('sqs_request', template.polled_queues * POLLS),
    'CloudWatch metrics, alarms, dashboard':
      usd('metric', metrics) + usd('alarm', template.alarm_metrics) + usd('dashboard', template.dashboards),
    KMS: usd('kms_key', template.keys),
    'Secrets Manager': usd('secret', template.secrets),
    'DynamoDB storage': usd('dynamodb_stored', stored) + usd('dynamodb_backup', stored),
  });
};

/** A month of a size: what users do, and what an idle month costs. */
export const monthBill = (counts: Counts, size: Size): Bill =>
  plus(
    idleBill(counts, size),
    ...Object.entries(PROFILE).map(([name, n]) => times(passBill(counts, name as FlowName, size), size.users * n)),
  );
