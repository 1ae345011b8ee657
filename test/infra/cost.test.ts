import { describe, expect, test } from 'vitest';
import {
  type Bill,
  billOf,
  eventBill,
  idleBill,
  monthBill,
  passBill,
  plus,
  socketBill,
  times,
  total,
  tracedShare,
} from '../../infra/cost/bill.ts';
import { type Counted, type Counts, changed, readCounts } from '../../infra/cost/counts.ts';
import { OTHERS, tiered } from '../../infra/cost/others.ts';
import { LIST_MADE, PRICES, usd } from '../../infra/cost/prices.ts';
import { PROFILE, SIZES } from '../../infra/cost/profile.ts';
import { costs, money, plain } from '../../infra/cost/tables.ts';
import { askingForUnits, meter } from '../cloud/meter.ts';

const START = { cpu_ms: 0, calls: 0, reads: 0, writes: 0, kms: 0, secrets: 0 };
const NOTHING: Counted = {
  ...{ memory_mb: 512, invocations: 0, requests: 0, cpu_ms: 0, calls: 0, reads: 0, writes: 0, kms: 0, secrets: 0 },
  ...{ sqs: 0, events: 0, schedules: 0, mails: 0, log_bytes: 0, start: START },
};
const SHARES = { cold: 0, traced: 0 };
const bill = (work: Partial<Counted>, shares = SHARES, line = 0): Bill => billOf({ ...NOTHING, ...work }, shares, line);

describe('a price', () => {
  test.each(Object.entries(PRICES))(
    'of %s has a day, a page of AWS, and is for something',
    (_, { source, seen, usd, per }) => {
      expect(source).toMatch(/^https:\/\/aws\.amazon\.com\/[a-z-]+\/pricing\/$/);
      expect(seen).toMatch(/^20\d\d-\d\d-\d\d$/);
      expect(seen <= LIST_MADE).toBe(true);
      expect(usd).toBeGreaterThan(0);
      expect(per).toBeGreaterThan(0);
    },
  );

  test('is paid for each of so many', () => {
    expect(usd('dynamodb_write', 2_000_000)).toBeCloseTo(1.25, 12);
    expect(usd('kms_request', 1)).toBeCloseTo(0.000003, 12);
    expect(usd('mail', 1_000)).toBeCloseTo(0.16, 12);
  });

  test('of others is in tiers, and says where it ends', () => {
    const month = (name: string, users: number) => OTHERS.find((other) => other.name === name)!.month(users);
    expect(month('Cognito Lite', 10_000)).toBe(0);
    expect(month('Cognito Lite', 100_000)).toBeCloseTo(495, 9);
    expect(month('Cognito Lite', 1_000_000)).toBeCloseTo(4_635, 9);
    expect(month('Cognito Essentials', 10_001)).toBeCloseTo(0.015, 9);
    expect(month('Cognito Plus', 10_000)).toBeCloseTo(200, 9);
    expect(month('Auth0 Free', 25_000)).toBe(0);
    expect(month('Auth0 Free', 25_001)).toBe('–');
    expect(
      tiered(
        [
          { up_to: 10, usd: 0 },
          { up_to: Number.POSITIVE_INFINITY, usd: 2 },
        ],
        12,
      ),
    ).toBe(4);
  });
});

describe('a bill', () => {
  test('is by service, and adds up', () => {
    const all = bill({ requests: 1, reads: 2, writes: 3, kms: 1, sqs: 3, events: 1, mails: 1 });
    expect(all.DynamoDB).toBeCloseTo((2 * 0.125 + 3 * 0.625) / 1e6, 15);
    expect(all.SQS).toBeCloseTo(1.2e-6, 15);
    expect(total(all)).toBeCloseTo((1 + 0.25 + 1.875 + 3 + 1.2 + 1 + 160) / 1e6, 12);
    expect(total(plus(all, times(all, 2)))).toBeCloseTo(3 * total(all), 12);
  });

  test('takes the processor at the share that the memory brings, and 5 ms for each call', () => {
    const whole = bill({ invocations: 1, memory_mb: 1769, cpu_ms: 100 }).Lambda!;
    expect(whole - 0.2e-6).toBeCloseTo((1769 / 1024) * 0.1 * 0.0000133334, 12);
    // less memory has the less of a processor for the longer
    expect(bill({ invocations: 1, memory_mb: 512, cpu_ms: 100 }).Lambda).toBeCloseTo(whole, 12);
    const waiting = bill({ memory_mb: 1024, calls: 10 }).Lambda!;
    expect(waiting).toBeCloseTo(0.05 * 0.0000133334, 12);
  });

  test('has the starts that are a part of the calls, with what they read', () => {
    const start = { ...START, cpu_ms: 200, secrets: 1, kms: 1, reads: 2 };
    const half = bill({ invocations: 1, memory_mb: 1024, start }, { cold: 0.5, traced: 0 });
    expect(half['Secrets Manager']).toBeCloseTo(0.5 * 0.000005, 15);
    expect(half.KMS).toBeCloseTo(0.5 * 0.000003, 15);
    expect(half.DynamoDB).toBeCloseTo(0.125e-6, 15);
    expect(half.Lambda! - 0.2e-6).toBeCloseTo(0.1 * 0.0000133334, 12);
  });

  test('has a log with the line of the gateway', () => {
    expect(bill({ requests: 1, log_bytes: 700 }, SHARES, 300)['CloudWatch Logs']).toBeCloseTo((1_000 / 1e9) * 0.53, 15);
  });

  test('has every trace while calls are rare, and few where they are many', () => {
    expect(tracedShare(1_000)).toBe(1);
    expect(tracedShare(1e9)).toBeCloseTo(0.05246, 4);
  });
});

test('an hour of a WebSocket is its minutes and a ping with its answer each four, whoever says nothing else', () => {
  expect(total(socketBill())).toBeCloseTo((60 * 0.25 + 2 * 15 * 1) / 1e6, 12);
});

describe('a month', () => {
  const counts = readCounts();

  test('is what users do, and an idle one', () => {
    const [size] = SIZES;
    const done = Object.entries(PROFILE).reduce(
      (sum, [name, n]) => sum + n * size!.users * total(passBill(counts, name as keyof typeof PROFILE, size!)),
      0,
    );
    expect(total(monthBill(counts, size!))).toBeCloseTo(done + total(idleBill(counts, size!)), 9);
  });

  test('costs a user less the more there are, and an event less than the login that it is of', () => {
    const each = SIZES.map((size) => total(monthBill(counts, size)) / size.users);
    expect(each).toEqual([...each].sort((a, b) => b - a));
    for (const size of SIZES)
      expect(total(eventBill(counts, size))).toBeLessThan(total(passBill(counts, 'login', size)));
  });

  test('is shown by size', () => {
    const rows = costs(counts);
    expect(rows.every(({ length }) => length === SIZES.length + 1)).toBe(true);
    expect(
      new Set(
        plain(rows)
          .split('\n')
          .map(({ length }) => length),
      ).size,
    ).toBe(1);
    expect([0, 9.994, 9.996, 1234.5].map(money)).toEqual(['0.00', '9.99', '10.00', '1,235']);
  });
});

describe('counts', () => {
  const counts = readCounts();
  const changedBy = (change: (copy: any) => void): string[] => {
    const copy = structuredClone(counts) as any;
    change(copy);
    return changed(counts, copy as Counts);
  };

  test('are the same where only the machine differs', () => {
    expect(changedBy(() => {})).toEqual([]);
    expect(changedBy(({ flows }) => (flows.login['auth-login'].cpu_ms *= 2.5))).toEqual([]);
    expect(changedBy(({ flows }) => (flows.login['auth-login'].log_bytes += 20))).toEqual([]);
  });

  test('tell three calls, a unit, a message and a function more', () => {
    const calls = counts.flows.login['auth-login']!.calls;
    expect(changedBy(({ flows }) => (flows.login['auth-login'].calls += 3))).toEqual([
      `flows.login.auth-login.calls: ${calls} was noted, ${calls + 3} counted`,
    ]);
    // a look at the revocations that was due, or was not
    expect(changedBy(({ flows }) => flows.login['auth-login'].calls++)).toEqual([]);
    expect(changedBy(({ flows }) => flows.refresh['auth-refresh'].writes--)).toHaveLength(1);
    expect(changedBy(({ flows }) => (flows.validation['users-get-me'] = { ...NOTHING, invocations: 1 }))).toContain(
      'flows.validation.users-get-me.invocations: 0 was noted, 1 counted',
    );
    expect(changedBy(({ template }) => template.polled_queues++)).toHaveLength(1);
    expect(changedBy(({ flows }) => (flows.login['auth-login'].log_bytes *= 2))).toHaveLength(1);
  });
});

describe('the meter', () => {
  const call = { key: 'f', service: 'dynamodb', status: 200, body: '{}' };
  const invocation = { key: 'f', event: {}, result: {}, cold: false, cpu_ms: 3 };

  test('asks DynamoDB for units, and takes what it says', () => {
    expect(JSON.parse(askingForUnits('{"TableName":"t"}'))).toEqual({
      TableName: 't',
      ReturnConsumedCapacity: 'TOTAL',
    });
    const { heard, invoked, taken } = meter();
    heard({ ...call, operation: 'Query', answer: '{"ConsumedCapacity":{"CapacityUnits":1.5}}' });
    heard({
      ...call,
      operation: 'TransactWriteItems',
      answer: '{"ConsumedCapacity":[{"CapacityUnits":4},{"CapacityUnits":2}]}',
    });
    heard({ ...call, operation: 'PutItem', status: 400, answer: '{}' });
    invoked(invocation);
    expect(taken().get('f')).toMatchObject({ invocations: 1, calls: 3, reads: 1.5, writes: 7, cpu_ms: 3 });
    expect(taken().size).toBe(0);
  });

  test('counts three requests for each message that a function is brought, and each event of a batch', () => {
    const { heard, invoked, taken } = meter();
    heard({ ...call, service: 'events', operation: 'PutEvents', body: '{"Entries":[{},{}]}', answer: '{}' });
    invoked({ ...invocation, event: { Records: [{ eventSource: 'aws:sqs' }, { eventSource: 'aws:sqs' }] } });
    expect(taken().get('f')).toMatchObject({ sqs: 6, events: 2 });
  });

  test('leaves out a look of the test at an empty outbox, and refuses what has no price', () => {
    const { heard, invoked, taken } = meter();
    invoked({ ...invocation, event: { Records: [] }, result: { relayed: 0 } });
    expect(taken().size).toBe(0);
    heard({ ...call, service: 's3', operation: 'PUT', answer: '' });
    expect(taken).toThrow('f called s3');
  });
});
