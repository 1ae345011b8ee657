/** Counts what functions do at AWS, in the units that AWS bills: by function, from one `taken` to the next. */
import type { Work } from '../../infra/cost/counts.ts';

/** A call as the proxy saw it: who called what, and what AWS answered. */
export interface HeardCall {
  key: string;
  service: string;
  operation: string;
  body: string;
  status: number;
  answer: string;
}

export interface Invocation {
  key: string;
  event: any;
  result: any;
  cold: boolean;
  /** Of the processor, for this event alone; with the init where it is cold. */
  cpu_ms: number;
}

export const nothing = (): Work => ({
  invocations: 0,
  requests: 0,
  cpu_ms: 0,
  calls: 0,
  reads: 0,
  writes: 0,
  kms: 0,
  secrets: 0,
  sqs: 0,
  events: 0,
  schedules: 0,
  mails: 0,
  log_bytes: 0,
});

const READS = new Set(['GetItem', 'BatchGetItem', 'Query', 'Scan', 'TransactGetItems']);

/** The same body, that asks DynamoDB for what it takes: of every row and every index. */
export const askingForUnits = (body: string): string =>
  JSON.stringify({ ...JSON.parse(body), ReturnConsumedCapacity: 'TOTAL' });

/** A refused write costs a unit for each kB of the row that was looked at: one, as ours are small; in a transaction two a row. */
const unitsOf = ({ operation, body, status, answer }: HeardCall): number => {
  if (status !== 200) return operation === 'TransactWriteItems' ? 2 * JSON.parse(body).TransactItems.length : 1;
  const consumed = [JSON.parse(answer).ConsumedCapacity ?? []].flat() as { CapacityUnits: number }[];
  return consumed.reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
};

/** Messages that a function was brought cost three requests each: sent, received, deleted. */
const broughtBy = (event: any): number => {
  const records: { eventSource?: string }[] = event?.Records ?? [];
  return records.filter(({ eventSource }) => eventSource === 'aws:sqs').length * 3;
};

export const meter = () => {
  let pending = new Map<string, Work>();
  let done = new Map<string, Work>();
  const unpriced = new Set<string>();
  const of = (key: string): Work => {
    const work = pending.get(key) ?? nothing();
    pending.set(key, work);
    return work;
  };
  const COUNT: Record<string, (work: Work, call: HeardCall) => void> = {
    dynamodb: (work, call) => {
      work[READS.has(call.operation) ? 'reads' : 'writes'] += unitsOf(call);
    },
    kms: (work) => {
      work.kms++;
    },
    secretsmanager: (work) => {
      work.secrets++;
    },
    sqs: (work) => {
      work.sqs++;
    },
    events: (work, { body }) => {
      work.events += JSON.parse(body).Entries?.length ?? 0;
    },
    scheduler: (work) => {
      work.schedules++;
    },
    ses: (work) => {
      work.mails++;
    },
  };
  return {
    heard: (call: HeardCall): void => {
      const work = of(call.key);
      work.calls++;
      if (COUNT[call.service]) COUNT[call.service]!(work, call);
      else unpriced.add(`${call.key} called ${call.service}`);
    },
    invoked: ({ key, event, result, cpu_ms }: Invocation): void => {
      const work = of(key);
      pending.delete(key);
      // a look at an outbox that is known to be empty is the test's own
      if (result?.relayed === 0 && Array.isArray(event?.Records)) return;
      work.invocations = 1;
      work.requests = event?.requestContext ? 1 : 0;
      work.cpu_ms = cpu_ms;
      work.sqs += broughtBy(event);
      const sum = done.get(key) ?? nothing();
      for (const name of Object.keys(sum) as (keyof Work)[]) sum[name] += work[name];
      done.set(key, sum);
    },
    /** What was done since the last time, by function. Throws where something was called that has no price. */
    taken: (): Map<string, Work> => {
      if (unpriced.size) throw new Error(`${[...unpriced].join(', ')}: there is no price for that`);
      const all = done;
      done = new Map();
      pending = new Map();
      return all;
    },
  };
};
export type Meter = ReturnType<typeof meter>;
