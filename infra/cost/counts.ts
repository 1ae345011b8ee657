/** What was counted of the packaged functions: `counts.json`, which `npm run cost -- --count` writes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What one function did in one pass of a flow, in the units that AWS bills. */
export interface Work {
  invocations: number;
  /** Through API Gateway. */
  requests: number;
  /** Of the processor, on the machine that counted. */
  cpu_ms: number;
  /** Calls of other services, for each of which the function waits. */
  calls: number;
  /** Units of DynamoDB, indexes and transactions included. */
  reads: number;
  writes: number;
  kms: number;
  secrets: number;
  /** Requests of SQS: sent by the bus, received and deleted by Lambda, and what the function does itself. */
  sqs: number;
  /** Events that were put onto EventBridge. */
  events: number;
  schedules: number;
  mails: number;
  log_bytes: number;
}

/** What a start adds: init, and what is read once. */
export type Start = Pick<Work, 'cpu_ms' | 'calls' | 'reads' | 'writes' | 'kms' | 'secrets'>;

export interface Counted extends Work {
  memory_mb: number;
  start: Start;
}

/** By function. */
export type Flow = Readonly<Record<string, Counted>>;

export const FLOWS = ['minute', 'validation', 'login', 'registration', 'refresh', 'logout'] as const;
export type FlowName = (typeof FLOWS)[number];

export interface Counts {
  /** One pass of each, with all events that follow from it. `minute`: the relay's look each minute. */
  flows: Readonly<Record<FlowName, Flow>>;
  /** Bytes in DynamoDB that a pass leaves, indexes included. */
  stored: Readonly<Record<FlowName, number>>;
  /** Custom metrics of CloudWatch (name and labels) that these flows make. */
  metrics: number;
  /** What the template holds that costs without use. */
  template: {
    /** Sources of functions that are queues: Lambda asks each all the time. */
    polled_queues: number;
    /** Rules that call a function each minute. */
    minutely: number;
    alarm_metrics: number;
    dashboards: number;
    keys: number;
    secrets: number;
    access_log_bytes: number;
  };
}

export const COUNTS = join(import.meta.dirname, 'counts.json');
export const readCounts = (file = COUNTS): Counts => JSON.parse(readFileSync(file, 'utf8'));
export const writeCounts = (counts: Counts): void => writeFileSync(COUNTS, `${JSON.stringify(counts, null, 2)}\n`);

/** Machines differ threefold; what is counted does not. */
const CPU_TIMES = 3;
const BYTES_TIMES = 1.25;

const within = (one: number, two: number, times: number, absolute: number): boolean =>
  Math.abs(one - two) <= absolute || (one <= two * times && two <= one * times);

/** A row that ends just past a kB, a counter whose window begins just then, a look at the revocations that was due. */
const MORE = 2;
/** A start that takes long looks at the revocations more than once. */
const MORE_AT_START = 5;

const agree = (path: string, field: string, noted: number, now: number): boolean => {
  if (field === 'cpu_ms') return within(noted, now, CPU_TIMES, 25);
  if (field.endsWith('bytes')) return within(noted, now, BYTES_TIMES, 200);
  if (path.includes('.start.')) return Math.abs(noted - now) <= MORE_AT_START;
  if (field === 'reads' || field === 'calls') return Math.abs(noted - now) <= MORE;
  return noted === now;
};

/** Every number by its path. */
const numbers = (value: unknown, path = ''): [string, number][] =>
  typeof value === 'number'
    ? [[path, value]]
    : Object.entries(value as object).flatMap(([name, each]) => numbers(each, path ? `${path}.${name}` : name));

/** A line for each number that is not what was noted: writes and messages exactly, bytes and CPU within what machines differ by. */
export const changed = (noted: Counts, now: Counts): string[] => {
  const [before, after] = [new Map(numbers(noted)), new Map(numbers(now))];
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path) => {
    const [one = 0, two = 0] = [before.get(path), after.get(path)];
    const field = path.startsWith('stored.') ? 'bytes' : path.slice(path.lastIndexOf('.') + 1);
    return agree(path, field, one, two) ? [] : [`${path}: ${one} was noted, ${two} counted`];
  });
};
