/** What has to be seen without looking: each alarm says what to look at. */
import { type Alarm, api, chunks, lambda, queue } from './alarm.ts';
import { sourcesOf } from './iam.ts';
import { deadId } from './names.ts';
import { consumedQueues, lambdaFunctions, relay } from './platform.ts';

/** Nobody waits for their answers, so nobody else hears of their errors. */
const unheard = lambdaFunctions.filter((of) => of.queue || of.relay || of.socket).map(({ name }) => name);
const numbered = (name: string, n: number): string => (n === 0 ? name : `${name}-${n + 1}`);

export const ALARMS: readonly Alarm[] = [
  {
    name: 'errors',
    says: 'More than one request in a hundred is answered 5xx. Look at the log group of the service, and at DynamoDB and KMS.',
    metrics: [api('5xx', 'Sum'), api('Count', 'Sum')],
    expression: 'IF(m2 >= 20, 100 * m1 / m2, 0)',
    above: 1,
    minutes: 3,
  },
  {
    name: 'latency',
    says: 'One request in a hundred takes longer than a second. Look at cold starts, at throttles and at the traces.',
    metrics: [api('Latency', 'p99')],
    expression: 'm1',
    above: 1_000,
    minutes: 10,
  },
  {
    name: 'throttles',
    says: 'Lambda refuses invocations: the account has too little concurrency, or a function uses up its own.',
    metrics: [{ namespace: 'AWS/Lambda', name: 'Throttles', dimensions: {}, stat: 'Sum' }],
    expression: 'm1',
    above: 0,
    minutes: 3,
  },
  ...chunks(unheard).map(
    (names, n): Alarm => ({
      name: numbered('handlers', n),
      says: 'Handlers of events end with errors: messages come again and then go to the dead letters. Look at their logs.',
      metrics: names.map((name) => lambda('Errors', name, 'Sum')),
      expression: 'SUM(METRICS())',
      above: 5,
      minutes: 5,
    }),
  ),
  ...chunks(consumedQueues).map(
    (queues, n): Alarm => ({
      name: numbered('dead-letters', n),
      says: 'There are dead letters: `npx perfect21 dlq list` says of what, `dlq replay` tries them again.',
      metrics: queues.map(({ name }) => queue('ApproximateNumberOfMessagesVisible', deadId(name), 'Maximum')),
      expression: 'MAX(METRICS())',
      above: 0,
      minutes: 1,
    }),
  ),
  ...chunks(consumedQueues.flatMap(({ name }) => sourcesOf(name))).map(
    (ids, n): Alarm => ({
      name: numbered('oldest-message', n),
      says: 'A message waits for five minutes: its handlers fail, are throttled, or are too few.',
      metrics: ids.map((id) => queue('ApproximateAgeOfOldestMessage', id, 'Maximum')),
      expression: 'MAX(METRICS())',
      above: 300,
      minutes: 5,
    }),
  ),
  {
    name: 'outbox-age',
    says: 'Events wait in the stream for a minute: mails are late, and what follows from events is stale.',
    metrics: [lambda('IteratorAge', relay.name, 'Maximum')],
    expression: 'm1',
    above: 60_000,
    minutes: 3,
  },
  {
    name: 'relay-silent',
    says: 'The relay, which is called each minute, has not run for five: nothing is published that the stream missed.',
    metrics: [lambda('Invocations', relay.name, 'Sum')],
    expression: 'IF(FILL(m1, 0) < 1, 1, 0)',
    above: 0,
    minutes: 1,
    period: 300,
    missing: 'breaching',
  },
  {
    name: 'bounces',
    says: 'One mail in twenty bounces: SES stops sending at one in ten. Look for registrations with addresses that do not exist.',
    metrics: [{ namespace: 'AWS/SES', name: 'Reputation.BounceRate', dimensions: {}, stat: 'Average' }],
    expression: '100 * m1',
    above: 5,
    minutes: 1,
    period: 3_600,
  },
];
